//! Finding an actor by its path.

use std::sync::Arc;

use super::cell::{AnyCell, Family};
use super::path::short_name;
use super::signal::Signals;

/// The actor at `path`, which begins with `/`, below `root`.
///
/// Named actors are found by name, step by step; an anonymous one by the id after the `#`.
pub(crate) fn find(root: &Arc<Family>, path: &str) -> Option<Arc<dyn AnyCell>> {
    let mut parts = path.strip_prefix('/')?.split('/');
    let mut found = step(root, parts.next()?)?;
    for part in parts {
        let family = found.core().family()?.clone();
        found = step(&family, part)?;
    }
    Some(found)
}

/// The family at the top of the tree in which `cell` stands.
pub(crate) fn root_of(cell: &Arc<dyn AnyCell>) -> Arc<Family> {
    let mut family = cell.core().parent.clone();
    while let Some(owner) = family.owner() {
        family = owner.core().parent.clone();
    }
    family
}

fn step(family: &Arc<Family>, part: &str) -> Option<Arc<dyn AnyCell>> {
    match part.rsplit_once('#') {
        Some((kind, id)) => family.child(family.env.id_shown_as(id.parse().ok()?)?).filter(|cell| short_name(cell.kind()) == kind),
        // A name is taken before it is known whether the parent takes the actor in.
        None => family.names.find(family.owner_id, part).filter(|cell| cell.core().signals.any(Signals::KNOWN)),
    }
}
