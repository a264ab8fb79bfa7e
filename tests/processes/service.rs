//! The small service of `bin/service.rs` as a process that can be signalled.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A running service. One that is left over is killed.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) out: Lines<BufReader<ChildStdout>>,
}

impl Service {
    pub(crate) fn run(scenario: &str) -> Self {
        Service::start(Command::new(env!("CARGO_BIN_EXE_service")).arg(scenario))
    }

    /// On a runtime that has no thread but the main one.
    pub(crate) fn run_on_one_thread(scenario: &str) -> Self {
        Service::run_on(scenario, "current_thread")
    }

    /// On a runtime of this kind.
    pub(crate) fn run_on(scenario: &str, runtime: &str) -> Self {
        Service::start(Command::new(env!("CARGO_BIN_EXE_service")).args([scenario, runtime]))
    }

    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the service can be run");
        let out = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Service { child, out }
    }

    /// Waits for this line.
    pub(crate) fn says(&mut self, line: &str) {
        let said = self.out.next().expect("it says something").expect("it can be read");
        assert_eq!(said, line);
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().expect("`kill` can be run");
        assert!(status.success(), "the service is still there");
    }

    /// Sends it a hundred of each of these signals, in turn and as fast as can be, again and again. Those that come too fast
    /// are merged, so that nobody knows how many it hears of one burst.
    pub(crate) fn bursts_until_it_ends(&mut self, names: &[&str]) {
        let kills: String = names.iter().map(|name| format!("kill -s {name} {} 2>/dev/null; ", self.child.id())).collect();
        let burst = format!("i=0; while [ $i -lt 100 ]; do {kills}i=$((i + 1)); done");
        while self.child.try_wait().expect("it can be asked").is_none() {
            let sent = Command::new("sh").args(["-c", &burst]).status();
            assert!(sent.expect("`sh` can be run").success());
        }
    }

    /// From now on, writing to its standard error fails.
    pub(crate) fn breaks_standard_error(&mut self) {
        drop(self.child.stderr.take());
    }

    /// Waits for the end; returns the exit code, what was said last, and what was written to the standard error.
    pub(crate) fn ends(mut self) -> (ExitStatus, Vec<String>, String) {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut text).expect("it can be read");
        }
        let rest = self.out.by_ref().map(|line| line.expect("it can be read")).collect();
        (self.child.wait().expect("it can be awaited"), rest, text)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
