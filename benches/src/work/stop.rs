//! Ending actors, and waiting for it.

use super::spawn::recruit;
use super::{Values, each};
use crate::measure::{live, start_clock, stop_clock};
use crate::system::{Order, Shape, System};

/// Stops `n` actors that have nothing to do with each other, until all are said to have ended. Counts who is left then.
pub async fn stop<S: System>(system: &S, n: u64) -> Values {
    let actors = recruit(system, n).await;
    assert_eq!(live(), n);

    let start = start_clock();
    system.stop_all(actors).await;
    let took = stop_clock(start);
    let left = live();

    let mut values = each(took, n);
    values.push(("left", left as f64));
    values
}

/// Stops a tree from its root, until that is said to have ended. Counts who is left then.
pub async fn shutdown<S: System>(system: &S, shape: Shape, order: Order) -> Option<Values> {
    let stop = system.tree(shape, order).await?;
    let actors = size(shape);
    assert_eq!(live(), actors, "actors in the tree");

    let start = start_clock();
    stop.await;
    let took = stop_clock(start);
    let left = live();

    let mut values = each(took, actors);
    values.push(("left", left as f64));
    Some(values)
}

/// How many actors there are in a tree, the root included.
pub fn size(shape: Shape) -> u64 {
    let mut level = 1;
    let mut all = 1;
    for width in shape {
        level *= width;
        all += level;
    }
    all
}
