//! The accounts: of each message what became of it, of each state and each message whether it is gone.

use std::sync::atomic::{AtomicU64, Ordering};

use actors_core::{AskError, TellError};

/// Told: each is handled, given back to the sender, or a dead letter.
pub static TELLS: Account = Account::new();
/// Asked: each is handled or given back, unless its asker had stopped waiting.
pub static ASKS: Account = Account::new();
/// Sent by timers: dropped without a trace if the actor ends first.
pub static TIMERS: Account = Account::new();
/// Published: the originals and all copies.
pub static PUBLISHED: Account = Account::new();
/// States of actors: made, and dropped.
pub static STATES: Gauge = Gauge::new();
/// What has become of the asks, as their callers were told.
pub static ANSWERS: Answers = Answers::new();

/// What has become of the messages of one kind.
pub struct Account {
    made: AtomicU64,
    handled: AtomicU64,
    returned: AtomicU64,
    dropped: AtomicU64,
}

/// A message's entry in an account. It closes itself when it is dropped.
pub struct Parcel {
    account: &'static Account,
    fate: Fate,
}

#[derive(Clone, Copy)]
enum Fate {
    Open,
    Handled,
    Returned,
}

/// How many of something there are.
pub struct Gauge(AtomicU64);

/// One of what a gauge counts.
pub struct Counted(&'static Gauge);

/// What askers were told.
pub struct Answers {
    /// The handler had begun.
    handled: AtomicU64,
    /// The message came back.
    returned: AtomicU64,
    /// The handler had not begun, and the message did not come back: it may be handled still.
    open: AtomicU64,
    /// Another answer than that to the question.
    wrong: AtomicU64,
}

/// An ask under way; one that is dropped before its answer may have been handled or not.
pub struct Asking(&'static Answers);

impl Account {
    const fn new() -> Self {
        Account { made: AtomicU64::new(0), handled: AtomicU64::new(0), returned: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    /// Enters a message.
    pub fn parcel(&'static self) -> Parcel {
        count(&self.made);
        Parcel { account: self, fate: Fate::Open }
    }

    pub fn handled(&self) -> u64 {
        read(&self.handled)
    }

    /// Messages that were neither handled nor given back, and are gone.
    pub fn dropped(&self) -> u64 {
        read(&self.dropped)
    }

    /// Messages that are somewhere still.
    pub fn open(&self) -> u64 {
        let closed = read(&self.handled) + read(&self.returned) + read(&self.dropped);
        read(&self.made).wrapping_sub(closed)
    }

    /// As a line: made, handled, given back, dropped.
    pub fn line(&self) -> String {
        let [made, handled, returned, dropped] = [&self.made, &self.handled, &self.returned, &self.dropped].map(read);
        format!("{made} sent, {handled} handled, {returned} given back, {dropped} never handled")
    }
}

impl Parcel {
    /// Closes the entry: its handler has begun.
    pub fn handled(mut self) {
        self.fate = Fate::Handled;
    }

    /// Closes the entry: its sender has it back.
    pub fn returned(mut self) {
        self.fate = Fate::Returned;
    }
}

/// A copy is a message of its own.
impl Clone for Parcel {
    fn clone(&self) -> Self {
        self.account.parcel()
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        count(match self.fate {
            Fate::Open => &self.account.dropped,
            Fate::Handled => &self.account.handled,
            Fate::Returned => &self.account.returned,
        });
    }
}

/// A message with an entry.
pub trait Entered {
    fn parcel(self) -> Parcel;
}

/// Closes the entry of a message that was not taken.
pub fn told<M: Entered>(outcome: Result<(), TellError<M>>) {
    if let Err(refused) = outcome {
        refused.into_message().parcel().returned();
    }
}

impl Answers {
    const fn new() -> Self {
        Answers { handled: AtomicU64::new(0), returned: AtomicU64::new(0), open: AtomicU64::new(0), wrong: AtomicU64::new(0) }
    }

    /// Begins an ask.
    pub fn asking(&'static self) -> Asking {
        Asking(self)
    }

    pub fn wrong(&self) -> u64 {
        read(&self.wrong)
    }

    /// What is wrong with these answers, given what became of the messages.
    pub fn complaint(&self, asks: &Account) -> Option<String> {
        let [told_handled, told_returned, told_open] = [&self.handled, &self.returned, &self.open].map(read);
        let [handled, returned, dropped] = [&asks.handled, &asks.returned, &asks.dropped].map(read);
        let right = returned == told_returned && dropped <= told_open && handled + dropped == told_handled + told_open;
        (!right).then(|| {
            format!(
                "of the asks {handled} were handled, {returned} given back, {dropped} never handled, but askers were told of \
                 {told_handled} handled, {told_returned} given back, {told_open} that might be either"
            )
        })
    }
}

impl Asking {
    /// Notes the answer to the question `n`.
    pub fn answered<M: Entered, E>(self, n: u64, outcome: Result<u64, AskError<M, E>>) {
        let answers = self.0;
        // What `Drop` would note is known better.
        std::mem::forget(self);
        let back = match outcome {
            Ok(answer) => {
                if answer != n {
                    count(&answers.wrong);
                }
                return count(&answers.handled);
            }
            Err(AskError::NotDelivered(refused)) => Some(refused.into_message()),
            Err(AskError::Lost(lost)) => lost.into_message(),
            Err(AskError::WouldDeadlock(deadlock)) => deadlock.into_message(),
            Err(AskError::TimedOutInQueue { .. }) => None,
            // It failed, crashed, gave no answer, or gave it too late.
            Err(_) => return count(&answers.handled),
        };
        match back {
            Some(message) => {
                message.parcel().returned();
                count(&answers.returned);
            }
            None => count(&answers.open),
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        count(&self.0.open);
    }
}

impl Gauge {
    const fn new() -> Self {
        Gauge(AtomicU64::new(0))
    }

    pub fn one(&'static self) -> Counted {
        count(&self.0);
        Counted(self)
    }

    pub fn now(&self) -> u64 {
        read(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// Counters order nothing: they are compared after the tasks that count have been joined.
fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
