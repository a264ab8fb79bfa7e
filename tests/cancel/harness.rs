//! Drops a future at each of its awaits, every time in a world of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use actors_core::ActorSystem;
use actors_core::test_kit::Setup;

/// What lives as long as something holds it. Whoever is given one must let it go by the end.
pub(crate) type Life = Arc<()>;

pub(crate) type Call<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What one future is tried in.
pub(crate) struct World {
    pub(crate) system: ActorSystem,
    pub(crate) life: Life,
}

/// What a future is called on, and what lets it go on from one await to the next.
pub(crate) struct Scene<S> {
    pub(crate) subject: S,
    pub(crate) go_on: GoOn,
}

pub(crate) type GoOn = Box<dyn FnMut() + Send>;

/// Where a future is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// After it has been polled so many times; then what it waits for comes about.
    Polled(usize),
    /// After it has been polled so many times and woken again: what it waited for is there, and it never looks.
    Woken(usize),
}

/// What became of a future.
pub(crate) enum Fate<T> {
    Dropped(Cut),
    Done(T),
}

impl<T> Fate<T> {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Fate::Done(_))
    }

    /// Whether it was dropped having been polled so many times at least.
    pub(crate) fn was_polled(&self, times: usize) -> bool {
        match self {
            Fate::Dropped(Cut::Polled(polls) | Cut::Woken(polls)) => *polls >= times,
            Fate::Done(_) => true,
        }
    }

    pub(crate) fn done(self) -> Option<T> {
        match self {
            Fate::Dropped(_) => None,
            Fate::Done(output) => Some(output),
        }
    }
}

/// Calls the same future again and again, each time in a new world, and drops it one await later than before, until it
/// comes to its end. `check` sees what is left each time. Returns at how many awaits it was dropped.
///
/// After each world has ended, no [`Life`] may be left.
pub(crate) fn cancel_at_every_await<S, T>(
    set_up: impl AsyncFn(&World) -> Scene<S>,
    call: impl for<'a> Fn(&'a mut S) -> Call<'a, T>,
    check: impl AsyncFn(&World, S, Fate<T>),
) -> usize {
    assert!(!try_one(Cut::Polled(0), &set_up, &call, &check), "it was never polled");
    for polls in 1..100 {
        let done = try_one(Cut::Polled(polls), &set_up, &call, &check);
        assert_eq!(try_one(Cut::Woken(polls), &set_up, &call, &check), done, "it depends on what happens after it");
        if done {
            return polls - 1;
        }
    }
    panic!("it has no end");
}

/// Says whether the future came to its end before it was to be dropped.
fn try_one<S, T>(
    cut: Cut,
    set_up: &impl AsyncFn(&World) -> Scene<S>,
    call: &impl for<'a> Fn(&'a mut S) -> Call<'a, T>,
    check: &impl AsyncFn(&World, S, Fate<T>),
) -> bool {
    tests::goes_on();
    let saying = Saying(cut);
    let life = Life::default();
    let done = Setup::new().may_fail().run(async |system| {
        let world = World { system, life: life.clone() };
        let Scene { mut subject, mut go_on } = set_up(&world).await;
        let fate = drive(call(&mut subject), cut, &mut go_on).await;
        if !fate.is_done() {
            // What it would have waited for comes about all the same.
            for _ in 0..8 {
                go_on();
                settle().await;
            }
        }
        // What lets it go on may hold something.
        drop(go_on);
        let done = fate.is_done();
        check(&world, subject, fate).await;
        done
    });
    assert_eq!(Arc::strong_count(&life), 1, "something is left that lives");
    drop(saying);
    done
}

/// Polls `future` up to `cut`, and drops it there. Before each further poll, `go_on` makes come about what it waits for.
pub(crate) async fn drive<T>(mut future: impl Future<Output = T> + Unpin, cut: Cut, go_on: &mut GoOn) -> Fate<T> {
    let mut wakers = Vec::new();
    for polls in 0.. {
        if cut == Cut::Polled(polls) {
            break;
        }
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        wakers.push(Arc::downgrade(&woken));
        let waker = Waker::from(woken.clone());
        if let Poll::Ready(output) = Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
            return Fate::Done(output);
        }
        if cut == Cut::Polled(polls + 1) {
            break;
        }
        go_on();
        actors_core::test_kit::eventually("it is woken", || woken.0.load(Ordering::Acquire)).await;
        settle().await;
        if cut == Cut::Woken(polls + 1) {
            break;
        }
    }
    drop(future);
    // The runtime holds the waker of whoever has just yielded, for one turn.
    tokio::task::yield_now().await;
    assert!(wakers.iter().all(|waker| waker.strong_count() == 0), "nobody keeps a waker of what is gone: {cut:?}");
    Fate::Dropped(cut)
}

/// Lets all that is ready run.
pub(crate) async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// What comes about must do so within this time.
pub(crate) async fn promptly<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(Duration::from_secs(60), future).await {
        Ok(output) => output,
        Err(_) => panic!("did not come about: {what}"),
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// Says where the future was dropped, if a test fails.
struct Saying(Cut);

impl Drop for Saying {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the future was dropped at {:?}", self.0);
        }
    }
}
