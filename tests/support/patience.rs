//! A test that hangs fails, by its name: on a clock that stands still nothing else would ever end it.
//!
//! Whoever uses what the tests share gives a sign of life. A thread of no test looks at these, on the clock of the machine: where a
//! test has given none for minutes, and has not ended, it names it and ends the process as failed. So it does where no test at all
//! has given one: there may be some that never do.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// How long a test may go without a sign of life: many times what any takes on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(180);
/// Says otherwise, in milliseconds.
const OTHERWISE: &str = "TESTS_PATIENCE_MS";

static SIGNS: Mutex<Option<Signs>> = Mutex::new(None);

struct Signs {
    /// Of those that have not ended, by their threads.
    tests: HashMap<ThreadId, Sign>,
    /// When any test gave the last.
    last: Instant,
}

struct Sign {
    test: String,
    at: Instant,
}

impl Signs {
    /// Which test hangs, if one does.
    fn hanging(&self, patience: Duration) -> Option<&str> {
        let test = self.tests.values().find(|sign| sign.at.elapsed() > patience).map(|sign| &*sign.test);
        test.or_else(|| (self.last.elapsed() > patience).then_some("(one of those that have not ended)"))
    }
}

/// Says that this test goes on: from now on it must end, or say so again, within some minutes.
pub fn goes_on() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| drop(thread::spawn(look_after_all)));
    let (here, at) = (thread::current(), Instant::now());
    // The thread of a worker may outlast the test, and that of a test is named for it.
    let test = here.name().filter(|name| *name != "tokio-rt-worker").map(str::to_owned);
    let is_test = test.is_some();
    {
        let mut signs = signs();
        let signs = signs.get_or_insert_with(|| Signs { tests: HashMap::new(), last: at });
        signs.tests.extend(test.map(|test| (here.id(), Sign { test, at })));
        signs.last = at;
    }
    if !is_test {
        return;
    }
    thread_local!(static TEST: RefCell<Option<Test>> = const { RefCell::new(None) });
    // A thread that is ending is nobody's concern any more.
    let _ = TEST.try_with(|test| test.borrow_mut().get_or_insert(Test(here.id())).0);
}

fn signs() -> MutexGuard<'static, Option<Signs>> {
    SIGNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A test that has given a sign. It is over when its thread is.
struct Test(ThreadId);

impl Drop for Test {
    fn drop(&mut self) {
        if let Some(signs) = &mut *signs() {
            signs.tests.remove(&self.0);
        }
    }
}

fn look_after_all() {
    let otherwise = std::env::var(OTHERWISE).ok().and_then(|millis| millis.parse().ok()).map(Duration::from_millis);
    let patience = otherwise.unwrap_or(PATIENCE);
    loop {
        thread::sleep(patience / 10);
        let hangs = signs().as_ref().and_then(|signs| signs.hanging(patience).map(str::to_owned));
        if let Some(test) = hangs {
            // Written past what the harness keeps of a test's output: it would be lost.
            let _ = writeln!(std::io::stderr(), "test {test} hangs: it has given no sign of life for {patience:?}");
            std::process::exit(101);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    const HANGS: &str = "TESTS_HANG";

    #[test]
    fn a_test_that_hangs_fails_by_its_name() {
        if std::env::var_os(HANGS).is_some() {
            goes_on();
            loop {
                thread::park();
            }
        }
        let me = std::env::current_exe().expect("a test has a binary");
        let hanging = Command::new(me)
            .args(["patience::tests::a_test_that_hangs_fails_by_its_name", "--exact"])
            .envs([(HANGS, "1"), (OTHERWISE, "100")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a test can be run");
        let output = hanging.wait_with_output().expect("it can be waited for");

        assert_eq!(output.status.code(), Some(101));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("test patience::tests::a_test_that_hangs_fails_by_its_name hangs: "), "{said}");
    }

    #[test]
    fn a_test_that_has_ended_is_looked_after_no_more() {
        let is_looked_after = |test| signs().as_ref().is_some_and(|signs| signs.tests.contains_key(&test));
        let test = move || {
            goes_on();
            assert!(is_looked_after(thread::current().id()));
            thread::current().id()
        };
        let thread = thread::Builder::new().name("a test".to_owned()).spawn(test).expect("there is a thread");
        let ended = thread.join().expect("it ends");

        assert!(!is_looked_after(ended));
    }

    #[test]
    fn one_that_hangs_and_never_gave_a_sign_is_missed_when_nobody_gives_one() {
        let long_ago = Instant::now() - Duration::from_secs(1);
        let quiet = Signs { tests: HashMap::new(), last: long_ago };
        assert!(quiet.hanging(Duration::from_millis(900)).is_some());
        assert!(quiet.hanging(Duration::from_secs(60)).is_none());
    }
}
