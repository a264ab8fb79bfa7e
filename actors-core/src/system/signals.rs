//! Signals of the operating system, heard on a thread of its own: a runtime whose workers are blocked hears nothing.
//!
//! The first SIGINT or SIGTERM begins the ordered shutdown, the second kills what is left, with a second's grace, and the
//! third ends the process. tokio keeps its handlers installed for ever, so every press has to be answered here.

// Not of `std`: it is no step of a model.
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime;

use super::report::Trigger;
use super::shared::Shared;
use super::shutdown;

/// How long what was killed by the second signal may take.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// How many systems of the process listen, and have not ended. tokio's handlers are the process's own, and so is what ends it.
static SERVING: AtomicUsize = AtomicUsize::new(0);

/// Counts among them until it is dropped.
struct Serves;

impl Serves {
    fn begin() -> Self {
        SERVING.fetch_add(1, Ordering::AcqRel);
        Serves
    }

    fn none() -> bool {
        SERVING.load(Ordering::Acquire) == 0
    }
}

impl Drop for Serves {
    fn drop(&mut self) {
        SERVING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Listens from now on. The listeners are in place when it returns.
pub(super) fn listen(shared: &Arc<Shared>) {
    if !shared.begin_to_listen() {
        return;
    }
    let (ready, is_ready) = mpsc::channel();
    let name = shared.thread_name("signals");
    let listening = Arc::downgrade(shared);
    let serves = Serves::begin();
    let thread = thread::Builder::new().name(name).spawn(move || {
        let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error))),
        };
        runtime.block_on(async {
            match Listener::new() {
                Ok(listener) => {
                    let _ = ready.send(Ok(()));
                    answer(listener, listening, serves).await;
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
    });
    let outcome = thread.and_then(|_| is_ready.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended"))));
    if let Err(error) = outcome {
        shared.listen_no_more();
        panic!("system `{}`: cannot listen for signals: {error}", shared.env.name);
    }
}

async fn answer(mut listener: Listener, listening: Weak<Shared>, serves: Serves) {
    let mut presses = 0;
    let mut serves = Some(serves);
    loop {
        // Holds no handle while it waits, so that the system can be dropped.
        let Some((gone, over)) = listening.upgrade().map(|shared| (shared.gone_token(), shared.over_token())) else { return };
        let (name, number) = tokio::select! {
            signal = listener.next() => signal,
            () = gone.cancelled() => return,
            () = over.cancelled(), if serves.is_some() => {
                serves = None;
                continue;
            }
        };
        presses += 1;
        let Some(shared) = listening.upgrade() else { return };
        let has_ended = shared.report().is_some();
        if has_ended {
            serves = None;
        }
        match presses {
            // The system has ended and the program has not: there is nothing left to stop in order, unless another serves.
            _ if has_ended && Serves::none() => std::process::exit(128 + number),
            _ if has_ended => {}
            1 => shutdown::begin(&shared, Trigger::Signal(name.to_owned()), None),
            2 => {
                shared.force(number);
                shutdown::begin(&shared, Trigger::Signal(name.to_owned()), Some(KILL_GRACE));
            }
            _ => std::process::exit(128 + number),
        }
    }
}

#[cfg(unix)]
struct Listener {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Listener {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Listener { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", 2),
            _ = self.terminate.recv() => ("SIGTERM", 15),
        }
    }
}

#[cfg(not(unix))]
struct Listener;

#[cfg(not(unix))]
impl Listener {
    fn new() -> io::Result<Self> {
        Ok(Listener)
    }

    async fn next(&mut self) -> (&'static str, i32) {
        match tokio::signal::ctrl_c().await {
            Ok(()) => ("SIGINT", 2),
            Err(_) => std::future::pending().await,
        }
    }
}
