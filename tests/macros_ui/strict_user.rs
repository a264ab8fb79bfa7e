//! What the macros write passes the strictest lints: every marker and every option, in a public library that denies them all.

#![deny(warnings, missing_docs, missing_debug_implementations, missing_copy_implementations, unreachable_pub, dead_code)]
#![deny(rust_2018_idioms, unused_qualifications, unused_results, single_use_lifetimes, trivial_casts, unused_lifetimes)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use actors_core::{Actor, ActorRef, Context, ExitReason, Exited, ReplyTo, StartError, StashFull, messages};

/// Every option of the policy.
#[derive(Actor, Debug, Default)]
#[actor(mailbox = 16, overflow = "reject", stash = 8, on_stop = "drain", in_flight = "cancel")]
#[actor(stop_limit = "1m 30s", start_limit = "500ms", handler_limit = "4s", hook_limit = "2s", ask_limit = "3s")]
#[actor(children = "side_by_side", strategy = "one_for_all", restarts = 3, within = "30s", auto_shutdown = "never")]
#[actor(crate = actors_core)]
pub struct Archive {
    lines: Vec<String>,
    waiting: Vec<ReplyTo<String, Closed>>,
}

/// The archive is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed")
    }
}

impl std::error::Error for Closed {}

/// A line that somebody wrote.
#[derive(Clone, Debug)]
pub struct Line(pub String);

/// Every marker and every option.
#[messages(crate = actors_core)]
impl Archive {
    /// Opens what is below.
    #[started]
    async fn open(&self, ctx: &Context<Self>) -> Result<(), StartError> {
        drop(ctx.child("cache", Cache::<String, u64, 4>::new).start().await?);
        Ok(())
    }

    /// Notes an end.
    #[exited]
    fn ended(&mut self, exit: Exited) {
        self.lines.push(exit.reason.to_string());
    }

    /// Closes.
    #[stopped]
    fn close(&mut self, reason: &ExitReason, _ctx: &mut Context<Self>) {
        self.lines.push(reason.to_string());
    }

    /// Keeps the lines short.
    #[tick(every = "20s", first = "1s", catch_up = "delay")]
    fn trim(&mut self) {
        self.lines.truncate(100);
    }

    /// Takes lines from elsewhere; see [`Self::add`] for one's own.
    #[stream(boxed)]
    pub fn line(&mut self, line: Option<Line>) {
        self.lines.extend(line.map(|line| line.0));
    }

    /// Takes a line by value.
    #[handle]
    pub fn on(&mut self, line: Line) -> usize {
        self.lines.push(line.0);
        self.lines.len()
    }

    /// Forgets the first so many.
    #[handle(boxed, control)]
    pub fn forget(&mut self, first: usize) {
        drop(self.lines.drain(..first));
    }

    /// Adds a line.
    #[message(derive(Clone, Debug, PartialEq, Eq))]
    pub fn add(
        &mut self,
        /// What it says.
        text: String,
    ) {
        self.lines.push(text);
    }

    /// Without a word for its parameters, and with many of them.
    #[message(boxed)]
    pub fn fill(&mut self, first: String, second: String, third: [u64; 32]) {
        self.lines.extend([first, second, format!("{third:?}")]);
    }

    #[message(name = Discard, control)]
    pub(crate) fn drop(&mut self) {
        self.lines.clear();
    }

    /// Takes the last line.
    ///
    /// # Errors
    /// There may be none.
    #[message]
    pub fn pop(&mut self) -> Result<String, Closed> {
        self.lines.pop().ok_or(Closed)
    }

    /// Answers when there is something to say.
    #[message]
    pub fn next(&mut self, reply: ReplyTo<String, Closed>) {
        self.waiting.push(reply);
    }

    /// Puts itself aside.
    ///
    /// # Errors
    /// There may be too many.
    #[message]
    pub fn later(&mut self, ctx: &mut Context<Self>) -> Result<(), StashFull<Later>> {
        ctx.stash(Later)
    }

    #[cfg(unix)]
    #[message]
    #[deprecated(note = "ask for the lines")]
    fn old(&mut self, #[cfg(debug_assertions)] lines: Vec<String>) {
        #[cfg(debug_assertions)]
        self.lines.extend(lines);
    }
}

/// An actor with parameters.
#[derive(Actor, Debug)]
pub struct Cache<K, V, const N: usize>
where
    K: Hash + Eq,
{
    slots: HashMap<K, V>,
}

#[messages]
impl<K: Hash + Eq + Debug, V, const N: usize> Cache<K, V, N>
where
    V: Clone + Debug,
{
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { slots: HashMap::new() }
    }

    /// How many there are: a method that would have to be `#[must_use]`, were it not for a handler.
    #[message]
    pub fn held(&self) -> usize {
        self.slots.len()
    }

    /// How many there can be in one message, and a method that could be `const`.
    #[message]
    pub fn most(&self) -> usize {
        N
    }

    /// Keeps a value.
    #[message]
    pub fn put(&mut self, key: K, value: V) -> Option<V> {
        self.slots.insert(key, value)
    }

    /// Fills with values.
    #[message]
    pub fn put_all(&mut self, all: [(K, V); N]) {
        self.slots.extend(all);
    }

    /// Finds a value.
    #[message]
    pub fn look_up(&self, key: K) -> Option<V> {
        let found = self.slots.get(&key).cloned();
        drop(key);
        found
    }
}

impl<K: Hash + Eq + Debug, V: Clone + Debug, const N: usize> Default for Cache<K, V, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Sends what only this crate can name.
pub async fn reset(archive: &ActorRef<Archive>) -> bool {
    archive.tell(Discard).await.is_ok()
}
