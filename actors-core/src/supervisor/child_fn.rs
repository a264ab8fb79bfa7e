//! What makes a supervised child, again and again.

/// A function that makes a supervised child: called once for each incarnation, so that it cannot give away what it has.
///
/// Every closure without parameters that can be called again is one: `Worker::default`, `|| Worker { jobs: 0 }`, or, with
/// something that each worker needs, `move || Worker::new(config.clone())`.
///
/// ```
/// # use actors_core::{messages, Actor, ChildSpec};
/// # #[derive(Actor)] struct Worker { queue: Vec<u8> }
/// # #[messages] impl Worker { #[message] fn work(&mut self) {} }
/// let queue = vec![1, 2, 3];
/// let worker = ChildSpec::new("worker", move || Worker { queue: queue.clone() });
/// ```
#[diagnostic::on_unimplemented(
    message = "a supervised child is made anew at each restart, which this cannot do",
    label = "no closure that can be called again and returns the child",
    note = "a closure that gives away what it has runs once: clone it there, as in `move || Worker::new(config.clone())`",
    note = "a child that is never restarted needs no closure: `ctx.spawn(worker)`"
)]
pub trait ChildFn<A> {
    /// Makes the child.
    fn make(&self) -> A;
}

#[diagnostic::do_not_recommend]
impl<A, F: Fn() -> A> ChildFn<A> for F {
    fn make(&self) -> A {
        self()
    }
}
