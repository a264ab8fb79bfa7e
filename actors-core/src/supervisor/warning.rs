//! Configurations that say one thing and do another.

use std::fmt;
use std::time::Duration;

use super::spec::{ChildSpec, Restart};
use super::table::Settings;
use crate::lifecycle::{Limit, OnStop, Policy};

/// Something in a child spec, or in what its supervisor allows, that has no effect or not the one it promises.
///
/// A supervisor logs these when a child is added; [`Supervisor::warnings`](crate::Supervisor::warnings) tells them
/// before anything runs, for a test to assert that there are none. What is contradictory is no warning but an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ConfigWarning {
    /// The name of the child, if it has one.
    pub child: Option<String>,
    /// What is not as it says.
    pub problem: String,
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.child {
            Some(name) => write!(f, "child `{name}`: {}", self.problem),
            None => write!(f, "children: {}", self.problem),
        }
    }
}

/// What is not as it says in one spec, under a supervisor that may take `stop_limit` to stop itself.
pub(super) fn warnings(spec: &ChildSpec, settings: &Settings, stop_limit: Limit) -> Vec<ConfigWarning> {
    let policy = spec.policy_ref();
    let restarted = spec.restart_type() != Restart::Temporary;
    let own_limit = match policy.stop_limit {
        Limit::After(limit) => Some(limit),
        Limit::Default | Limit::Unlimited => None,
    };
    let mut problems = Vec::new();
    if restarted && settings.restarts == 0 {
        problems.push("it is to be restarted, but its supervisor allows no restarts".to_owned());
    }
    if restarted && settings.restarts == Policy::UNLIMITED && spec.backoff.is_none() {
        problems.push("it is restarted without limit and without backoff: one that always fails would never rest".to_owned());
    }
    if let Some(backoff) = &spec.backoff {
        if !restarted {
            problems.push("it has a backoff and is never restarted".to_owned());
        }
        if backoff.min > backoff.max {
            problems.push(format!("its shortest wait, {:?}, is longer than its longest, {:?}", backoff.min, backoff.max));
        }
    }
    if let (Some(own), Limit::After(above)) = (own_limit, stop_limit) {
        if own > above {
            problems.push(format!("its stop limit, {own:?}, cannot be reached: its supervisor has {above:?}"));
        }
    }
    if own_limit == Some(Duration::ZERO) && policy.on_stop == OnStop::Drain {
        problems.push("it is to drain its mailbox when it stops, but it is killed at once".to_owned());
    }
    problems.into_iter().map(|problem| ConfigWarning { child: spec.name().map(str::to_owned), problem }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::backoff::Backoff;
    use super::*;
    use crate::lifecycle::{AutoShutdown, BoxError, Strategy};
    use crate::{Actor, Context, Protocol};

    struct Nobody;

    impl Protocol for Nobody {
        type Msg = ();
    }

    impl Actor for Nobody {
        async fn handle(&mut self, (): (), _ctx: &mut Context<Self>) -> Result<(), BoxError> {
            Ok(())
        }
    }

    fn told(restarts: u32, stop_limit: Limit, spec: impl FnOnce(ChildSpec) -> ChildSpec) -> Vec<String> {
        let settings =
            Settings { strategy: Strategy::OneForOne, restarts, within: Duration::from_secs(5), auto_shutdown: AutoShutdown::Never };
        warnings(&spec(ChildSpec::new("db", || Nobody)), &settings, stop_limit).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_configuration_that_lies_is_told_with_the_name_of_the_child() {
        let secs = Duration::from_secs;
        let unlimited = Limit::Unlimited;
        let wait = Backoff::constant(secs(1));
        for (problem, told) in [
            ("no restarts", told(0, unlimited, |spec| spec)),
            ("never rest", told(Policy::UNLIMITED, unlimited, |spec| spec)),
            ("never restarted", told(1, unlimited, |spec| spec.temporary().backoff(wait))),
            ("is longer than its longest", told(1, unlimited, |spec| spec.backoff(Backoff::exponential(secs(2), secs(1))))),
            ("cannot be reached", told(1, Limit::After(secs(5)), |spec| spec.stop_limit(secs(6)))),
            ("killed at once", told(1, unlimited, |spec| spec.stop_by_kill().policy(|policy| policy.on_stop = OnStop::Drain))),
        ] {
            assert_eq!(told.len(), 1, "{problem}: {told:?}");
            assert!(told[0].starts_with("child `db`: ") && told[0].contains(problem), "{told:?}");
        }
    }

    #[test]
    fn what_does_as_it_says_is_no_warning() {
        let secs = Duration::from_secs;
        assert!(told(1, Limit::After(secs(5)), |spec| spec.stop_limit(secs(5))).is_empty());
        assert!(told(0, Limit::Unlimited, ChildSpec::temporary).is_empty());
        assert!(told(1, Limit::Unlimited, ChildSpec::stop_by_kill).is_empty());
        assert!(told(1, Limit::Unlimited, |spec| spec.policy(|policy| policy.on_stop = OnStop::Drain)).is_empty());
        assert!(told(Policy::UNLIMITED, Limit::Default, |spec| spec.backoff(Backoff::constant(secs(1)))).is_empty());
    }
}
