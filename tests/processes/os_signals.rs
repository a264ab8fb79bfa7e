//! Signals, exit codes and the watchdog, seen from outside: each test runs the small service of `bin/service.rs`.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::service::Service;

#[test]
fn oss_1_a_signal_shuts_the_system_down_gracefully() {
    for scenario in ["clean", "late listeners"] {
        for name in ["INT", "TERM"] {
            let mut service = Service::run(scenario);
            service.says("ready");
            if scenario == "late listeners" {
                // They are installed by a future that is polled beside the one that led to `ready`.
                std::thread::yield_now();
            }
            service.signal(name);
            service.says("cancelled");
            service.says("cleaned up");
            let (status, rest, text) = service.ends();
            assert_eq!((status.code(), rest.len()), (Some(0), 0), "{text}");
            assert!(text.contains("shutdown complete in") && text.contains(&format!("(SIG{name}, deadline 25 s)")), "{text}");
        }
    }
}

#[test]
fn oss_2_signals_come_as_messages_and_what_they_make_can_be_replaced() {
    let mut service = Service::run("messages");
    service.says("ready");
    for line in ["user 1 first", "user 2 first", "user 3 replaced"] {
        service.signal("USR1");
        service.says(line);
    }
    service.signal("TERM");
    assert_eq!(service.ends().0.code(), Some(0));
}

#[test]
fn oss_3_a_cancelled_subscription_hears_nothing_more() {
    let mut service = Service::run("messages");
    service.says("ready");
    service.signal("WINCH");
    service.says("window");
    service.signal("WINCH");
    service.signal("USR1");
    service.says("user 1 first");
    service.signal("TERM");
    let (status, rest, _) = service.ends();
    assert_eq!((status.code(), rest.len()), (Some(0), 0), "{rest:?}");
}

#[test]
fn s7_6_the_listeners_are_in_place_before_the_first_actor_starts() {
    for run in [Service::run, Service::run_on_one_thread] {
        let mut service = run("early");
        service.says("ready");
        service.signal("TERM");
        service.says("stopped while it started");
        let (status, _, text) = service.ends();
        assert_eq!(status.code(), Some(0), "{status} {text}");
    }
}

#[test]
fn s7_6_the_exit_code_says_how_it_went() {
    for (scenario, code, said) in [
        ("start failed", 2, "service: start failed, stopped after"),
        ("aborted", 3, "service: finished with 1 aborted in"),
        ("failed", 1, "service: shutdown complete in"),
    ] {
        let mut service = Service::run(scenario);
        if scenario == "failed" {
            service.says("ready");
            service.signal("INT");
        }
        let (status, _, text) = service.ends();
        assert_eq!(status.code(), Some(code), "{scenario}: {text}");
        assert!(text.contains(said) && text.contains(&format!("exit code: {code}")), "{text}");
        assert_eq!(text.matches("(requested").count() + text.matches("(SIG").count(), 1, "it is printed once: {text}");
    }
}

#[test]
fn s7_6_the_second_signal_kills_and_the_process_says_that_it_was_forced() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut service = Service::run("stubborn");
        service.says("ready");
        service.signal(name);
        service.says("shutting down");
        let pressed = Instant::now();
        service.signal(name);
        service.says("cleaned up");
        let (status, _, text) = service.ends();
        assert_eq!(status.code(), Some(code), "{text}");
        assert!(text.contains(&format!("cut off by SIG{name}")), "{text}");
        assert!(pressed.elapsed() < Duration::from_secs(5), "the deadline of 25 s does not count any more");
    }
}

#[test]
fn s7_6_after_the_second_signal_a_second_is_all_that_is_left_though_every_worker_is_blocked() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut service = Service::run("blocked for long");
        service.says("ready");
        service.signal(name);
        service.says("shutting down");
        let pressed = Instant::now();
        service.signal(name);
        let (status, _, text) = service.ends();
        assert_eq!(status.code(), Some(code), "{text}");
        assert_eq!(text.matches(&format!("cut off by SIG{name}")).count(), 1, "it is printed once: {text}");
        assert!(pressed.elapsed() < Duration::from_secs(12), "the deadline of 25 s does not count any more");
    }
}

#[test]
fn s7_6_the_second_signal_ends_the_time_in_which_a_system_serves_on() {
    // A busy machine may take long now and then, and not each time.
    let took = || {
        let mut service = Service::run("quiesces");
        service.says("ready");
        service.signal("INT");
        service.says("shutting down");
        let pressed = Instant::now();
        service.signal("INT");
        let (status, _, text) = service.ends();
        assert_eq!(status.code(), Some(130), "{text}");
        pressed.elapsed()
    };
    let took: Vec<_> = (0..5).map(|_| took()).collect();
    assert!(took.iter().any(|took| *took < Duration::from_millis(300)), "{took:?}");
}

#[test]
fn s7_6_a_forced_end_is_told_also_where_a_start_had_failed() {
    let mut service = Service::run("start failed early");
    service.says("ready");
    service.signal("INT");
    service.says("noted");
    service.signal("INT");
    let (status, _, text) = service.ends();
    assert_eq!(status.code(), Some(130), "{text}");
}

#[test]
fn s7_6_a_system_of_any_name_handles_signals() {
    let mut service = Service::run("any name");
    service.says("ready");
    service.signal("TERM");
    let (status, _, text) = service.ends();
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn s7_6_nobody_listens_for_a_system_that_is_gone() {
    let mut service = Service::run("dropped");
    service.says("gone");
    assert_eq!(service.ends().0.code(), Some(0));
}

#[test]
fn s7_6_a_signal_after_the_report_ends_the_process() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut service = Service::run("lingers");
        service.says("ready");
        service.signal(name);
        service.says("over");
        service.signal(name);
        assert_eq!(service.ends().0.code(), Some(code));
    }
}

#[test]
fn s7_6_a_system_that_has_ended_leaves_the_signals_to_those_that_have_not() {
    let mut service = Service::run("beside another");
    service.says("ready");
    service.signal("TERM");
    service.says("the edge is over");
    service.signal("TERM");
    service.says("cleaned up");
    let (status, _, text) = service.ends();
    assert_eq!((status.code(), text.contains("cut off by SIGTERM")), (Some(143), true), "{text}");

    let mut service = Service::run("after another");
    service.says("ready");
    service.signal("TERM");
    service.says("cancelled");
    service.says("cleaned up");
    let (status, _, text) = service.ends();
    assert_eq!((status.code(), text.contains("service: shutdown complete in")), (Some(0), true), "{text}");
}

#[test]
fn s7_6_the_third_signal_ends_the_process_at_once() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut service = Service::run("blocked for long");
        service.says("ready");
        service.signal(name);
        service.says("shutting down");
        // Signals that come too fast are merged: pressed until it is over.
        while service.child.try_wait().expect("it can be asked").is_none() {
            let _ = Command::new("kill").args(["-s", name, &service.child.id().to_string()]).stderr(Stdio::null()).status();
        }
        let (status, _, text) = service.ends();
        assert_eq!(status.code(), Some(code), "{text}");
        assert!(!text.contains("exit code"), "there is no time for a report: {text}");
    }
}

#[test]
fn s7_7_a_service_whose_every_worker_is_blocked_ends_with_its_report() {
    for run in [Service::run, Service::run_on_one_thread] {
        let mut service = run("blocked");
        service.says("ready");
        service.signal("TERM");
        let (status, _, text) = service.ends();
        assert_eq!(status.code(), Some(4), "{text}");
        assert!(text.contains("unresponsive in") && text.contains("in `Block`") && text.contains("exit code: 4"), "{text}");
        assert_eq!(text.matches("exit code: 4").count(), 1, "it is printed once: {text}");
        assert!(!text.contains("complete"), "{text}");
    }
}

#[test]
fn s7_7_shutdown_alone_returns_to_a_main_that_may_then_end_the_process() {
    let mut service = Service::run("blocked, no signals");
    service.says("ready");
    service.says("returned");
    let (status, _, text) = service.ends();
    assert_eq!(status.code(), Some(4), "{text}");
    assert_eq!(text.matches("exit code: 4").count(), 1, "nobody else has printed it: {text}");
}

#[test]
fn s7_7_the_watchdog_goes_with_its_shutdown() {
    let mut service = Service::run("watched");
    service.says("gone");
    assert_eq!(service.ends().0.code(), Some(0));
}

/// How long a service takes to end that has 300 ms to do so, and whose every worker is blocked.
fn time_of_a_blocked_one() -> Duration {
    let mut service = Service::run("blocked");
    service.says("ready");
    let pressed = Instant::now();
    service.signal("TERM");
    assert_eq!(service.ends().0.code(), Some(4));
    pressed.elapsed()
}

#[test]
fn s7_7_the_watchdog_is_in_time() {
    // A busy machine may take long now and then, and not each time.
    assert!((0..5).any(|_| time_of_a_blocked_one() < Duration::from_secs(2)));
}

#[test]
fn s7_7_a_main_that_can_go_on_returns_before_the_process_is_ended() {
    let mut service = Service::run("returns");
    service.says("ready");
    service.signal("TERM");
    service.says("returned");
    let (status, _, text) = service.ends();
    assert_eq!(status.code(), Some(4), "{text}");
    let lines: Vec<_> = text.lines().filter(|line| line.contains("waiting for")).collect();
    assert!(lines.len() > 1, "{text}");
    for line in lines {
        assert!(line.starts_with("service: waiting for /Blocked#1: handling `Block`, asked to stop "), "{text}");
        assert!(line.ends_with(" s ago"), "{text}");
    }
    assert_eq!(text.matches("exit code: 4").count(), 1, "it is printed once: {text}");
}

#[test]
fn s7_7_a_job_that_never_ends_keeps_no_process_that_handles_signals() {
    let mut service = Service::run("leaves a job");
    service.says("ready");
    service.signal("TERM");
    let (status, _, text) = service.ends();
    assert_eq!(status.code(), Some(4), "{text}");
    assert!(text.contains("\nblocking jobs left: 1\n"), "{text}");
}

#[test]
fn s7_7_only_those_are_named_that_all_others_wait_for_and_of_many_a_few() {
    let mut service = Service::run("crowd");
    for _ in 0..5 {
        service.says("ready");
    }
    service.says("all are there");
    service.signal("TERM");
    let (status, _, text) = service.ends();
    assert_eq!(status.code(), Some(3), "{text}");
    let lines: Vec<_> = text.lines().filter(|line| line.contains("waiting for")).collect();
    assert!(!lines.is_empty(), "{text}");
    let parts: Vec<_> = lines[0].trim_start_matches("service: waiting for ").split("; ").collect();
    assert_eq!((parts.len(), parts.last()), (4, Some(&"and 2 more")), "{text}");
    for (number, part) in parts[..3].iter().enumerate() {
        let time = part.split_once(&format!("/stubborn{number}: handling `Hang` for ")).map_or("", |(_, time)| time);
        assert!(part.starts_with("/Crowd#") && time.ends_with(" s, 1 queued"), "{text}");
        // Not before it is time for the first line.
        assert!(!time.starts_with(['0', '1']), "{text}");
    }
}

#[test]
fn s7_7_who_wants_no_progress_gets_none() {
    let (status, _, text) = Service::run("quiet").ends();
    assert_eq!(status.code(), Some(3), "{text}");
    assert!(!text.contains("waiting for"), "{text}");
}

#[test]
fn s7_7_a_long_shutdown_says_every_two_seconds_what_it_waits_for() {
    let mut service = Service::run("slow");
    service.says("ready");
    let (status, _, text) = service.ends();
    assert_eq!(status.code(), Some(3), "{text}");
    let lines: Vec<_> = text.lines().filter(|line| line.contains("waiting for")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines[0].starts_with("service: waiting for /stubborn: handling `Hang` for "), "{text}");
    assert!(lines[0].ends_with(" queued"), "{text}");
}

#[test]
fn s7_7_a_standard_error_that_nobody_reads_does_no_harm() {
    for (scenario, code) in [("aborted", 3), ("slow", 3), ("start failed", 2)] {
        let mut service = Service::run(scenario);
        // From now on, writing to it fails.
        drop(service.child.stderr.take());
        while service.out.next().is_some() {}
        assert_eq!(service.child.wait().expect("it can be awaited").code(), Some(code), "{scenario}");
    }
}
