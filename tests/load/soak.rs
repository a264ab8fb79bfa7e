//! The soak itself, for some seconds: it ends well, and it ends badly if something is wrong.

use std::process::Command;

/// Runs the soak; returns its exit code and what it said.
fn soak(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args(args).output().expect("it can be run");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), said)
}

#[test]
fn a_short_soak_ends_well() {
    let (code, said) = soak(&["--seconds", "5"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("all is well\n"), "{said}");
}

#[test]
fn a_hundred_thousand_actors_live_idle_and_end_in_order() {
    let (code, said) = soak(&["--actors", "100000"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_soak_finds_memory_that_is_kept() {
    finds("memory", "memory: ");
}

#[test]
fn a_soak_finds_tasks_that_stay() {
    finds("task", "tasks are left over");
}

#[test]
fn a_soak_finds_actors_that_stay() {
    finds("actor", "actors: ");
}

#[test]
fn a_soak_finds_messages_that_pile_up() {
    finds("queue", "open messages: ");
}

#[test]
fn a_soak_finds_the_one_message_that_vanished() {
    finds("loss", " messages were never handled, and there are ");
}

#[test]
fn a_soak_finds_a_handler_that_blocks_its_thread() {
    finds("hang", "the shutdown ended with");
}

#[test]
fn a_soak_does_not_take_what_it_does_not_know() {
    for args in [["--second", "5"], ["--seconds", "five"], ["--plant", "roses"]] {
        let (code, said) = soak(&args);
        assert_eq!(code, Some(1), "{said}");
    }
}

/// A soak with this wrong in it fails, for this reason.
#[track_caller]
fn finds(planted: &str, reason: &str) {
    let (code, said) = soak(&["--seconds", "4", "--plant", planted]);
    let failed = said.lines().find(|line| line.starts_with("failed: ")).unwrap_or_default();
    assert!(code == Some(1) && failed.contains(reason), "{said}");
}
