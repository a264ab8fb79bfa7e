//! As `tokio::runtime`, with workers that a model starts and ends.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex as Unseen};
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::{Condvar, Mutex, MutexGuard};
use loom::thread::{self, JoinHandle};

use crate::time::Instant;

loom::thread_local! {
    /// The worker that polls a task on this thread.
    static WORKER: Cell<Option<usize>> = Cell::new(None);
    /// The runtime whose worker this thread is.
    static CURRENT: RefCell<Option<Handle>> = RefCell::new(None);
}

/// Which worker polls the task that runs here, if one does.
pub(crate) fn worker() -> Option<usize> {
    WORKER.with(Cell::get)
}

/// As the real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as the real ones")]
pub enum RuntimeFlavor {
    CurrentThread,
    MultiThread,
}

/// As `tokio::runtime::Runtime`.
pub struct Runtime {
    handle: Handle,
    workers: Vec<JoinHandle<()>>,
}

impl Runtime {
    /// A runtime with so many workers, which all wait for tasks; one is a runtime of the current thread.
    pub fn new(workers: usize) -> Runtime {
        let tasks = Tasks { slots: (0..workers).map(|_| None).collect(), ..Tasks::default() };
        let handle = Handle(Arc::new(Shared { tasks: Mutex::new(tasks), changed: Condvar::new(), settled: Condvar::new() }));
        let threads = (0..workers).map(|worker| {
            let handle = handle.clone();
            thread::spawn(move || handle.work(worker))
        });
        let threads = threads.collect();
        let mut tasks = handle.lock();
        while tasks.idle < workers {
            tasks = handle.0.settled.wait(tasks).expect("nothing panics here");
        }
        drop(tasks);
        Runtime { workers: threads, handle }
    }

    /// As the real one.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// As if the real one were dropped: the tasks end where they are, and are dropped.
    pub fn shut_down(self) {
        self.handle.lock().closed = true;
        self.handle.0.changed.notify_all();
        for worker in self.workers {
            worker.join().expect("no task panics");
        }
        let all = {
            let mut tasks = self.handle.lock();
            tasks.shared.clear();
            tasks.slots.clear();
            tasks.timers.clear();
            mem::take(&mut tasks.all)
        };
        drop(all);
    }
}

/// As the real one.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

struct Shared {
    tasks: Mutex<Tasks>,
    /// There is a task for whoever finds it, or there are no more.
    changed: Condvar,
    /// All workers wait for the first one.
    settled: Condvar,
}

#[derive(Default)]
struct Tasks {
    /// Of each worker, the task that runs there next, and nowhere else.
    slots: Vec<Option<Arc<Task>>>,
    /// Those that any worker takes.
    shared: VecDeque<Arc<Task>>,
    all: Vec<Arc<Task>>,
    timers: Vec<Arc<Unseen<Alarm>>>,
    /// How many workers wait for a task.
    idle: usize,
    closed: bool,
}

struct Task {
    runtime: Handle,
    /// Looked at and changed only under the lock of all tasks.
    stage: Unseen<Stage>,
    future: Unseen<Option<BoxFuture>>,
}

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Scheduled,
    Running,
    /// It runs, and was woken meanwhile.
    Woken,
}

impl Handle {
    /// As the real one, on a worker.
    pub fn current() -> Handle {
        CURRENT.with(|current| current.borrow().clone()).expect("this is a worker")
    }

    /// As the real one.
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        if self.lock().slots.len() == 1 { RuntimeFlavor::CurrentThread } else { RuntimeFlavor::MultiThread }
    }

    /// As the real one, of which nobody waits for the task.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let task = Task { runtime: self.clone(), stage: Unseen::new(Stage::Idle), future: Unseen::new(Some(Box::pin(work))) };
        let task = Arc::new(task);
        let mut tasks = self.lock();
        if !tasks.closed {
            tasks.all.push(task.clone());
        }
        self.schedule(tasks, task);
    }

    /// What a worker does now and then between two tasks: it wakes those whose time is up.
    pub fn look_at_the_clock(&self) {
        let due: Vec<Waker> = {
            let tasks = self.lock();
            tasks.timers.iter().filter_map(|alarm| alarm.lock().expect("nothing panics here").go_off()).collect()
        };
        due.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.0.tasks.lock().expect("nothing panics here")
    }

    /// Polls tasks until there are no more.
    fn work(self, worker: usize) {
        CURRENT.with(|current| *current.borrow_mut() = Some(self.clone()));
        while let Some(task) = self.next(worker) {
            let mut future = task.take_future().expect("one that is scheduled has not ended");
            let waker = Waker::from(task.clone());
            WORKER.with(|current| current.set(Some(worker)));
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            WORKER.with(|current| current.set(None));
            match polled {
                Poll::Ready(()) => drop(future),
                Poll::Pending => self.set_aside(task, future),
            }
        }
        while let Some(task) = self.take_resting() {
            drop(task.take_future());
        }
    }

    /// Takes a task out that no worker polls: when the runtime goes, each worker drops some of these, whatever the others do.
    fn take_resting(&self) -> Option<Arc<Task>> {
        let mut tasks = self.lock();
        let place = tasks.all.iter().position(|task| matches!(task.stage(), Stage::Idle | Stage::Scheduled))?;
        Some(tasks.all.remove(place))
    }

    /// Waits for the task that a worker polls next.
    fn next(&self, worker: usize) -> Option<Arc<Task>> {
        let mut tasks = self.lock();
        loop {
            if tasks.closed {
                return None;
            }
            if let Some(task) = tasks.slots[worker].take().or_else(|| tasks.shared.pop_front()) {
                task.set(Stage::Running);
                return Some(task);
            }
            tasks.idle += 1;
            if tasks.all.is_empty() && tasks.idle == tasks.slots.len() {
                self.0.settled.notify_one();
            }
            tasks = self.0.changed.wait(tasks).expect("nothing panics here");
            tasks.idle -= 1;
        }
    }

    /// A task waits for something, unless that has just come.
    fn set_aside(&self, task: Arc<Task>, future: BoxFuture) {
        let tasks = self.lock();
        if tasks.closed {
            drop(tasks);
            return drop(future);
        }
        *task.future.lock().expect("nothing panics here") = Some(future);
        if task.stage() == Stage::Running {
            return task.set(Stage::Idle);
        }
        task.set(Stage::Scheduled);
        self.share(tasks, task);
    }

    /// Any worker may take a task.
    fn share(&self, mut tasks: MutexGuard<'_, Tasks>, task: Arc<Task>) {
        tasks.shared.push_back(task);
        let calls = tasks.idle > 0;
        drop(tasks);
        if calls {
            self.0.changed.notify_one();
        }
    }

    /// A task that was woken, or is new, runs as soon as a worker comes to it.
    fn schedule(&self, mut tasks: MutexGuard<'_, Tasks>, task: Arc<Task>) {
        task.set(Stage::Scheduled);
        if tasks.closed {
            // What goes with the task may want the lock.
            return drop(tasks);
        }
        // A runtime of one thread has no such slot.
        let shared = match worker().filter(|_| tasks.slots.len() > 1) {
            Some(worker) => tasks.slots[worker].replace(task),
            None => Some(task),
        };
        if let Some(task) = shared {
            self.share(tasks, task);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl Task {
    fn take_future(&self) -> Option<BoxFuture> {
        self.future.lock().expect("nothing panics here").take()
    }

    fn stage(&self) -> Stage {
        *self.stage.lock().expect("nothing panics here")
    }

    fn set(&self, stage: Stage) {
        *self.stage.lock().expect("nothing panics here") = stage;
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let runtime = self.runtime.clone();
        let tasks = runtime.lock();
        match self.stage() {
            Stage::Scheduled | Stage::Woken => {}
            Stage::Running => self.set(Stage::Woken),
            Stage::Idle => runtime.schedule(tasks, self),
        }
    }
}

/// When somebody is to be woken.
pub(crate) struct Timer {
    runtime: Handle,
    deadline: Instant,
    alarm: Arc<Unseen<Alarm>>,
}

struct Alarm {
    deadline: Instant,
    waker: Option<Waker>,
    has_gone_off: bool,
}

impl Alarm {
    fn go_off(&mut self) -> Option<Waker> {
        if self.has_gone_off || self.deadline > Instant::now() {
            return None;
        }
        self.has_gone_off = true;
        self.waker.take()
    }
}

impl Timer {
    pub(crate) fn new(runtime: &Handle, deadline: Instant) -> Timer {
        let alarm = Arc::new(Unseen::new(Alarm { deadline, waker: None, has_gone_off: false }));
        runtime.lock().timers.push(alarm.clone());
        Timer { runtime: runtime.clone(), deadline, alarm }
    }

    pub(crate) fn is_over(&self) -> bool {
        let _tasks = self.runtime.lock();
        self.alarm.lock().expect("nothing panics here").has_gone_off
    }

    /// Whether it has gone off; if not, it will wake this one.
    pub(crate) fn is_over_or_wakes(&self, waker: &Waker) -> bool {
        let _tasks = self.runtime.lock();
        let mut alarm = self.alarm.lock().expect("nothing panics here");
        if !alarm.has_gone_off {
            alarm.waker = Some(waker.clone());
        }
        alarm.has_gone_off
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
