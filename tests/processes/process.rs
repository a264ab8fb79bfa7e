//! An example as a process: what it prints, the signals it gets, how it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tests::eventually;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The longest that any process here may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running example. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

/// How a process ended.
pub(crate) struct Ended {
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    /// How long was waited for the end.
    pub(crate) after: Duration,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What a process has printed so far.
pub(crate) struct Output {
    text: Arc<Mutex<String>>,
    reading: JoinHandle<()>,
}

impl Process {
    /// Starts the example of this name.
    pub(crate) fn start(example: &str, args: &[&str]) -> Self {
        let mut child = tokio::process::Command::new(executable(example))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("an example that was built can be started");
        let stdout = Output::of(child.stdout.take().expect("it is piped"));
        let stderr = Output::of(child.stderr.take().expect("it is piped"));
        Process { child, stdout, stderr }
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it is not waited for yet").to_string();
        // It may have ended by itself, which is for the test to judge.
        let _ = Command::new("sh").args(["-c", "kill -$0 $1", signal, &pid]).stderr(Stdio::null()).status();
    }

    /// Returns how much memory it has ever had in use, in bytes, where that can be known.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is a child of this process").is_some()
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        let began = Instant::now();
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            panic!("it does not end; standard error so far:\n{}", self.stderr.so_far());
        };
        let code = status.expect("it is a child of this process").code();
        let after = began.elapsed();
        Ended { code, after, stdout: self.stdout.whole().await, stderr: self.stderr.whole().await }
    }
}

impl Output {
    fn of(pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let noted = text.clone();
        let reading = tokio::spawn(async move {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                *noted.lock().unwrap() += &format!("{line}\n");
            }
        });
        Output { text, reading }
    }

    pub(crate) fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Waits until it has printed `what` so many times.
    pub(crate) async fn has(&self, what: &str, times: usize) {
        eventually(&format!("{times} times `{what}`"), || self.so_far().matches(what).count() >= times).await;
    }

    async fn whole(self) -> String {
        self.reading.await.expect("reading does not panic");
        self.text.lock().unwrap().clone()
    }
}

/// Builds the example, once, and returns where it is.
fn executable(example: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    // Kept locked while one is built: whoever else needs it waits, and those that build would wait for each other anyway.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry(example.to_owned()).or_insert_with(|| build(example)).clone()
}

fn build(example: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "examples", "--example", example, "--message-format", "json"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().expect("cargo can be run");
    assert!(built.status.success(), "the example `{example}` can be built");
    let messages = String::from_utf8(built.stdout).expect("cargo writes UTF-8");
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut artifacts = messages.filter(|message| message["target"]["name"] == *example);
    let path = artifacts.find_map(|artifact| artifact["executable"].as_str().map(PathBuf::from));
    path.expect("cargo says where the executable is")
}
