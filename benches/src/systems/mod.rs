//! The systems, by name.

#[cfg(feature = "peers")]
mod actix;
#[cfg(feature = "peers")]
mod kameo;
mod observed;
mod ours;
#[cfg(feature = "peers")]
mod ractor;
mod tokio;
#[cfg(feature = "peers")]
mod xtra;

use crate::system::{Mailbox, Rt, System};
use crate::work::{Values, perform};
use crate::workload::{WITH_HOOK, Workload};

/// What they are called, in the order of the tables. The first is ours; all are compared with the second.
#[cfg(feature = "peers")]
pub const NAMES: &[&str] = &[OURS, BASE, "kameo", "ractor", "actix", "xtra"];
/// What they are called, in the order of the tables. The first is ours; all are compared with the second.
#[cfg(not(feature = "peers"))]
pub const NAMES: &[&str] = &[OURS, BASE];

/// What is measured only where it is asked for: ours with somebody who listens.
pub const MORE: &[&str] = &[observed::INFO, observed::DEBUG];

const OURS: &str = "ours";

/// What all are compared with.
pub const BASE: &str = "tokio";

/// Does `n` of a workload. `None` if that system, with such mailboxes and on such a runtime, has no such thing.
///
/// # Errors
/// There may be no system of that name.
pub fn measure(system: &str, workload: &Workload, rt: Rt, n: u64) -> Result<Option<Values>, String> {
    Ok(match (system, workload.mailbox) {
        (OURS, _) if workload.name == WITH_HOOK => on::<ours::Ours<ours::Hooked>>(workload, rt, n),
        (OURS, _) => on::<ours::Ours<ours::Plain>>(workload, rt, n),
        (BASE, Mailbox::Bounded) => on::<tokio::Tokio<tokio::Bounded>>(workload, rt, n),
        (BASE, Mailbox::Unbounded) => on::<tokio::Tokio<tokio::Unbounded>>(workload, rt, n),
        #[cfg(feature = "peers")]
        ("kameo", _) => on::<kameo::Kameo>(workload, rt, n),
        #[cfg(feature = "peers")]
        ("ractor", _) => on::<ractor::Ractor>(workload, rt, n),
        #[cfg(feature = "peers")]
        ("actix", _) => on::<actix::Actix>(workload, rt, n),
        #[cfg(feature = "peers")]
        ("xtra", _) => on::<xtra::Xtra>(workload, rt, n),
        _ if observed::listen(system) => return measure(OURS, workload, rt, n),
        _ => return Err(format!("there is no system `{system}`; there are {NAMES:?}, and {MORE:?}")),
    })
}

fn on<S: System>(workload: &Workload, rt: Rt, n: u64) -> Option<Values> {
    let Workload { work, mailbox, .. } = *workload;
    S::run(rt, async move { perform(S::new(mailbox)?, work, n).await })?
}
