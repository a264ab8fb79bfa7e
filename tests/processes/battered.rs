//! What comes from outside, and what goes wrong at the worst place: each test runs the small program of `bin/battered.rs` or
//! `bin/service.rs`.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::service::Service;

/// The signal by which a process ends itself when it can do no better.
const ABORT: i32 = 6;
const TERMINATE: i32 = 15;

fn battered(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_battered")).args(args).output().expect("it can be run")
}

/// Runs it with so many kilobytes of memory to address.
fn battered_within(kilobytes: u32, scenario: &str) -> Output {
    let command = format!("ulimit -c 0 && ulimit -v {kilobytes} && exec \"$0\" \"$1\"");
    Command::new("sh").args(["-c", &command, env!("CARGO_BIN_EXE_battered"), scenario]).output().expect("`sh` can be run")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// ===== destructors =====

#[test]
fn destructors_that_panic_go_off_one_at_a_time_and_the_process_lives() {
    for way in ["killed", "shut down", "the system goes", "the runtime goes"] {
        let ended = battered(&["bombs", way]);
        assert_eq!((ended.status.code(), text(&ended.stdout).as_str()), (Some(0), "done\n"), "{way}: {}", text(&ended.stderr));
    }
}

#[test]
fn a_reply_whose_destructor_panics_costs_whoever_drops_it() {
    let ended = battered(&["a bomb as a reply"]);
    assert_eq!((ended.status.code(), text(&ended.stdout).as_str()), (Some(0), "done\n"), "{}", text(&ended.stderr));
}

// ===== memory =====

const ENOUGH: u32 = 400_000;

#[test]
#[cfg(target_os = "linux")]
fn a_flood_does_not_get_past_a_bounded_mailbox() {
    let ended = battered_within(ENOUGH, "bounded");
    assert_eq!((ended.status.code(), text(&ended.stdout).as_str()), (Some(0), "done\n"), "{}", text(&ended.stderr));
}

#[test]
#[cfg(target_os = "linux")]
fn a_flood_into_an_unbounded_mailbox_ends_the_process_as_any_lack_of_memory_does() {
    let ended = battered_within(ENOUGH, "unbounded");
    let said = text(&ended.stderr);
    assert_eq!(ended.status.signal(), Some(ABORT), "{said}");
    assert!(said.contains("memory allocation of") && !said.contains("panicked"), "{said}");
}

// ===== signals =====

#[test]
fn bursts_of_a_hundred_signals_end_the_process_at_once() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut service = Service::run("blocked for long");
        service.says("ready");
        let began = Instant::now();
        service.bursts_until_it_ends(&[name]);
        let (status, _, said) = service.ends();
        assert_eq!(status.code(), Some(code), "{name}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        assert!(began.elapsed() < Duration::from_secs(10), "the deadline of 25 s does not count any more");
    }
}

#[test]
fn the_second_signal_counts_also_when_it_is_the_other_one() {
    for (first, second, code) in [("INT", "TERM", 143), ("TERM", "INT", 130)] {
        let mut service = Service::run("stubborn");
        service.says("ready");
        service.signal(first);
        service.says("shutting down");
        service.signal(second);
        service.says("cleaned up");
        let (status, _, said) = service.ends();
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains(&format!("(SIG{first}, ")) && said.contains(&format!("cut off by SIG{second}")), "{said}");
    }
}

#[test]
fn a_burst_of_both_signals_ends_the_process_with_the_code_of_one_of_them() {
    let mut service = Service::run("blocked for long");
    service.says("ready");
    service.bursts_until_it_ends(&["INT", "TERM"]);
    let (status, _, said) = service.ends();
    assert!(matches!(status.code(), Some(130 | 143)), "{status}: {said}");
}

#[test]
fn a_signal_while_the_system_is_built_ends_the_process_by_itself_or_in_order() {
    for _ in 0..10 {
        let ended = battered(&["signalled while it is built"]);
        let (said, in_order) = (text(&ended.stdout), ended.status.code() == Some(0));
        assert!(in_order || ended.status.signal() == Some(TERMINATE), "{}: {}", ended.status, text(&ended.stderr));
        assert_eq!(said.contains("in order"), in_order, "{said}");
    }
}

// ===== the standard error =====

#[test]
fn a_panic_is_told_by_the_hook_of_the_program_as_well() {
    let ended = Command::new(env!("CARGO_BIN_EXE_service")).arg("crashed").output().expect("it can be run");
    let said = text(&ended.stderr);
    let of_hook = said.lines().filter(|line| line.starts_with("thread ") && line.contains(" panicked at ")).count();
    assert_eq!(of_hook, 1, "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_behind_the_standard_error_changes_no_exit_code() {
    let full = || File::options().write(true).open("/dev/full").expect("there is such a device");
    for (scenario, code) in [("aborted", 3), ("slow", 3), ("start failed", 2), ("crashed", 1)] {
        let status = Command::new(env!("CARGO_BIN_EXE_service")).arg(scenario).stdout(Stdio::null()).stderr(full()).status();
        assert_eq!(status.expect("it can be run").code(), Some(code), "{scenario}");
    }
}

#[test]
fn a_standard_error_that_was_never_open_changes_no_exit_code() {
    for (scenario, code) in [("aborted", 3), ("start failed", 2), ("crashed", 1)] {
        let command = "exec \"$0\" \"$1\" 2>&- >&-";
        let status = Command::new("sh").args(["-c", command, env!("CARGO_BIN_EXE_service"), scenario]).status();
        assert_eq!(status.expect("`sh` can be run").code(), Some(code), "{scenario}");
    }
}

#[test]
fn a_blocked_service_ends_in_time_though_its_report_can_be_written_nowhere() {
    let mut service = Service::start(Command::new(env!("CARGO_BIN_EXE_service")).arg("blocked"));
    service.says("ready");
    service.breaks_standard_error();
    service.signal("TERM");
    let (status, ..) = service.ends();
    assert_eq!(status.code(), Some(4));
}

// ===== few workers =====

#[test]
fn one_worker_is_enough_to_stop_in_order() {
    let mut service = Service::run_on("clean", "one_worker");
    service.says("ready");
    service.signal("TERM");
    service.says("cancelled");
    service.says("cleaned up");
    assert_eq!(service.ends().0.code(), Some(0));
}

#[test]
fn workers_that_block_in_a_stop_hook_or_a_destructor_do_not_outlast_the_deadline() {
    for runtime in ["current_thread", "one_worker", "two_workers"] {
        for scenario in ["blocks in its hook", "blocks in its destructor"] {
            let mut service = Service::run_on(scenario, runtime);
            service.says("ready");
            let began = Instant::now();
            service.signal("TERM");
            let (status, _, said) = service.ends();
            assert_eq!(status.code(), Some(4), "{scenario} on {runtime}: {said}");
            assert_eq!(said.matches("exit code: 4").count(), 1, "it is printed once: {said}");
            assert!(said.contains("/sleeper") && !said.contains("complete"), "{said}");
            assert!(began.elapsed() < Duration::from_secs(10), "{scenario} on {runtime}: {:?}", began.elapsed());
        }
    }
}
