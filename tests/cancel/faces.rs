//! The table of all futures of the public face: each has a test, and says in its documentation what dropping it does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of `actors-core/src`, what it makes a future by, and the tests that drop it.
type Face = (&'static str, &'static str, &'static [&'static str]);

const FACES: &[Face] = &[
    ("actor/context.rs", "quiescing", &["what_an_actor_waits_for_in_its_handler_can_be_dropped"]),
    ("actor/context.rs", "stopping", &["what_an_actor_waits_for_in_its_handler_can_be_dropped"]),
    ("actor/context.rs", "unless_stopping", &["what_an_actor_waits_for_in_its_handler_can_be_dropped"]),
    ("actor/stop_signal.rs", "stopping", &["waiting_for_the_stop_signal_can_be_dropped"]),
    ("actor/stop_signal.rs", "unless_stopping", &["work_that_heeds_the_stop_signal_is_dropped_with_its_future"]),
    ("actor/work.rs", "spawn_blocking", &["blocking_work_goes_on_though_nobody_awaits_it"]),
    ("actor/work.rs", "spawn_task", &["work_goes_on_though_nobody_awaits_it"]),
    (
        "address/actor_ref.rs",
        "ask",
        &["a_dropped_ask_is_not_sent_or_its_reply_is_discarded", "an_ask_that_is_dropped_in_a_handler_is_not_waited_for_any_more"],
    ),
    ("address/actor_ref.rs", "ask_with", &["a_dropped_ask_with_a_message_of_ones_own_is_not_sent_or_its_reply_is_discarded"]),
    ("address/actor_ref.rs", "stopped", &["waiting_for_the_end_of_an_actor_can_be_dropped"]),
    ("address/actor_ref.rs", "tell", &["a_dropped_tell_has_sent_nothing_and_passes_its_room_on"]),
    ("address/ask.rs", "within", &["a_dropped_ask_with_a_limit_is_not_sent_or_its_reply_is_discarded"]),
    ("address/asks.rs", "first", &["waiting_for_the_first_of_many_asks_gives_them_up_when_it_is_dropped"]),
    ("address/asks.rs", "join", &["joining_many_asks_gives_them_up_when_it_is_dropped"]),
    ("address/asks.rs", "next", &["waiting_for_the_next_of_many_asks_takes_nothing_when_it_is_dropped"]),
    ("address/recipient.rs", "stopped", &["waiting_for_the_end_of_a_recipient_can_be_dropped"]),
    ("address/recipient.rs", "tell", &["a_dropped_tell_to_a_recipient_has_sent_nothing_and_passes_its_room_on"]),
    ("address/stopped.rs", "within", &["waiting_for_the_end_of_an_actor_with_a_limit_can_be_dropped"]),
    ("address/tell.rs", "within", &["a_dropped_tell_with_a_limit_has_sent_nothing_and_passes_its_room_on"]),
    ("lifecycle/crash.rs", "recv", &["waiting_for_a_crash_report_takes_none_when_it_is_dropped"]),
    ("lifecycle/dead_letter.rs", "recv", &["waiting_for_a_dead_letter_takes_none_when_it_is_dropped"]),
    ("runtime/builder.rs", "start", &["a_dropped_start_leaves_no_actor_no_child_and_no_name", "a_dropped_start_of_a_child_leaves_nothing"]),
    ("services/pool/pool_ref.rs", "ask", &["a_dropped_ask_of_a_pool_is_not_sent_or_its_reply_is_discarded"]),
    ("services/pool/pool_ref.rs", "ask_to", &["a_dropped_ask_by_key_is_not_sent_or_its_reply_is_discarded"]),
    (
        "services/pool/pool_ref.rs",
        "ask_with_retries",
        &["a_dropped_ask_with_retries_is_not_sent_or_its_reply_is_discarded", "an_ask_with_retries_that_is_dropped_is_not_tried_again"],
    ),
    ("services/pool/pool_ref.rs", "ask_within", &["a_dropped_ask_of_a_pool_with_a_limit_is_not_sent_or_its_reply_is_discarded"]),
    ("services/pool/pool_ref.rs", "broadcast", &["a_dropped_broadcast_has_reached_those_who_had_room"]),
    ("services/pool/pool_ref.rs", "resize", &["a_resize_goes_on_though_nobody_awaits_it"]),
    (
        "services/pool/pool_ref.rs",
        "tell",
        &[
            "a_dropped_tell_to_a_pool_has_sent_nothing_and_passes_its_room_on",
            "a_tell_that_is_dropped_while_the_pool_starts_has_sent_nothing",
        ],
    ),
    ("services/pool/pool_ref.rs", "tell_to", &["a_dropped_tell_by_key_has_sent_nothing_and_passes_its_room_on"]),
    ("services/topic.rs", "publish_and_wait", &["what_is_published_arrives_though_nobody_waits_for_that"]),
    ("supervisor/child.rs", "add_child", &["what_an_actor_asks_of_its_children_and_drops_leaves_nothing_or_goes_on"]),
    ("supervisor/child.rs", "restart_child", &["what_an_actor_asks_of_its_children_and_drops_leaves_nothing_or_goes_on"]),
    ("supervisor/child.rs", "start", &["what_an_actor_asks_of_its_children_and_drops_leaves_nothing_or_goes_on"]),
    ("supervisor/child.rs", "terminate_child", &["what_an_actor_asks_of_its_children_and_drops_leaves_nothing_or_goes_on"]),
    ("supervisor/ready_made.rs", "add_child", &["a_child_whose_adding_is_dropped_leaves_no_actor_and_no_spec"]),
    (
        "supervisor/ready_made.rs",
        "restart_child",
        &[
            "a_child_whose_restart_by_hand_is_dropped_is_started_all_the_same",
            "a_restart_by_hand_that_a_dynamic_supervisor_refuses_never_waits",
        ],
    ),
    ("supervisor/ready_made.rs", "start_child", &["a_dynamic_child_whose_start_is_dropped_leaves_nothing"]),
    (
        "supervisor/ready_made.rs",
        "terminate_child",
        &[
            "a_child_whose_termination_is_dropped_is_stopped_all_the_same",
            "a_dynamic_child_whose_termination_is_dropped_is_stopped_all_the_same",
        ],
    ),
    ("system/mod.rs", "run_until_signal", &["serving_until_a_signal_comes_can_be_dropped"]),
    ("system/mod.rs", "shutdown", &["a_shutdown_goes_on_though_nobody_awaits_it"]),
    ("system/mod.rs", "shutdown_within", &["a_shutdown_with_a_deadline_goes_on_though_nobody_awaits_it"]),
    ("system/mod.rs", "start", &["a_dropped_start_at_the_top_of_the_tree_leaves_nothing"]),
    ("system/mod.rs", "start_failed", &["the_shutdown_after_a_failed_start_goes_on_though_nobody_awaits_it"]),
    (
        "system/mod.rs",
        "terminated",
        &["waiting_for_a_shutdown_that_somebody_begins_can_be_dropped", "waiting_for_a_shutdown_begins_none_when_it_is_dropped"],
    ),
    ("test_kit/probe.rs", "expect", &["a_probe_has_lost_nothing_when_an_expectation_is_dropped"]),
    ("test_kit/probe.rs", "expect_all_of", &["a_probe_has_lost_nothing_when_an_expectation_is_dropped"]),
    ("test_kit/probe.rs", "expect_end", &["an_end_that_is_expected_can_be_dropped_and_expected_again"]),
    ("test_kit/probe.rs", "expect_eq", &["a_probe_has_lost_nothing_when_an_expectation_is_dropped"]),
    ("test_kit/probe.rs", "expect_n", &["a_probe_has_lost_nothing_when_an_expectation_is_dropped"]),
    ("test_kit/probe.rs", "expect_none", &["a_probe_that_expects_nothing_can_be_dropped"]),
    ("test_kit/probe.rs", "expect_where", &["a_probe_has_lost_nothing_when_an_expectation_is_dropped"]),
    ("test_kit/probe.rs", "expect_within", &["a_probe_has_lost_nothing_when_an_expectation_is_dropped"]),
    ("test_kit/run.rs", "advance", &["time_that_is_dropped_while_it_passes_passes_no_further"]),
    ("test_kit/run.rs", "eventually", &["waiting_for_a_tree_or_a_condition_can_be_dropped"]),
    ("test_kit/tree.rs", "await_tree", &["waiting_for_a_tree_or_a_condition_can_be_dropped"]),
];

/// Futures of others that something of ours returns.
const OTHERS: [&str; 1] = ["WaitForCancellationFutureOwned"];

/// A public function that makes a future, with the documentation that stands above it.
#[derive(Debug)]
struct Found {
    file: String,
    name: String,
    docs: String,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../actors-core/src")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path()) {
        if entry.is_dir() {
            found.append(&mut files(&entry, extension));
        } else if entry.extension().is_some_and(|ending| ending == extension) {
            found.push(entry);
        }
    }
    found
}

/// The types of ours that are futures.
fn future_types(texts: &BTreeMap<String, String>) -> BTreeSet<String> {
    let heads = texts.values().flat_map(|text| text.lines());
    heads
        .filter(|line| line.starts_with("impl"))
        .filter_map(|line| line.split_once(" Future for ").or_else(|| line.split_once(" IntoFuture for ")))
        .map(|(_, rest)| rest.chars().take_while(|c| c.is_alphanumeric()).collect())
        .collect()
}

/// Public functions whose result is a future, or a future of ours that is changed.
fn found() -> Vec<Found> {
    let root = source();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&root).expect("it stands below").to_string_lossy().replace('\\', "/");
        (name, fs::read_to_string(path).expect("it can be read"))
    };
    let texts: BTreeMap<String, String> = files(&root, "rs").iter().map(read).collect();
    let futures = future_types(&texts);
    let mut found = Vec::new();
    for (file, text) in &texts {
        let mut docs = String::new();
        let mut implements = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let line = line.trim_start();
            if let Some(doc) = line.strip_prefix("///") {
                docs += doc;
                docs.push('\n');
                continue;
            }
            if line.starts_with("#[") {
                continue;
            }
            if line.starts_with("impl") {
                implements = type_of(line);
            }
            let public = line.strip_prefix("pub async fn ").map(|rest| (true, rest));
            if let Some((is_async, rest)) = public.or_else(|| line.strip_prefix("pub fn ").map(|rest| (false, rest))) {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let mut signature = rest.to_owned();
                while !signature.contains('{') && !signature.ends_with(';') {
                    signature.push(' ');
                    signature += lines.next().expect("a signature has an end").trim();
                }
                if signature.contains("Self: Awaited") {
                    // Nobody can call it: it is there for what the compiler says of a missing `.await`.
                    continue;
                }
                // What stands behind `where` has arrows of its own, and so have parameters that are functions.
                let declared = signature.split(" where ").next().unwrap_or_default();
                let returned = declared.rsplit_once("->").map_or("", |(_, returned)| returned.trim());
                let kind: String = returned.chars().take_while(|c| c.is_alphanumeric()).collect();
                let is_future = is_async || returned.starts_with("impl Future") || futures.contains(&kind) || OTHERS.contains(&&*kind);
                if is_future {
                    found.push(Found { file: file.clone(), name, docs: docs.clone() });
                } else if kind == "Self" && futures.contains(&implements) {
                    // The type says it.
                    found.push(Found { file: file.clone(), name, docs: String::from("# Cancel safety") });
                }
            }
            docs.clear();
        }
    }
    found
}

/// The type that a line `impl<A> Type<A> {` is about.
fn type_of(line: &str) -> String {
    let mut depth = 0;
    let mut outside = String::new();
    for c in line.trim_start_matches("impl").chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            c if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    let about = outside.rsplit(" for ").next().unwrap_or_default();
    about.trim().chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[test]
fn every_public_future_stands_in_the_table_and_nothing_else_does() {
    let found: BTreeSet<_> = found().into_iter().map(|found| (found.file, found.name)).collect();
    let listed: BTreeSet<_> = FACES.iter().map(|(file, name, _)| ((*file).to_owned(), (*name).to_owned())).collect();
    assert_eq!(listed.len(), FACES.len(), "one row each");
    assert_eq!(found.difference(&listed).collect::<Vec<_>>(), [] as [&(String, String); 0], "not in the table");
    assert_eq!(listed.difference(&found).collect::<Vec<_>>(), [] as [&(String, String); 0], "there is no such future any more");
}

#[test]
fn every_test_in_the_table_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("cancel");
    let texts: Vec<_> = files(&here, "rs").iter().map(|path| fs::read_to_string(path).expect("it can be read")).collect();
    for (file, name, tests) in FACES {
        assert!(!tests.is_empty(), "{file}: nothing drops `{name}`");
        for test in *tests {
            assert!(texts.iter().any(|text| text.contains(&format!("#[test]\nfn {test}()"))), "{file}, {name}: there is no test {test}");
        }
    }
}

#[test]
fn every_public_future_says_what_dropping_it_does() {
    let silent: Vec<_> = found()
        .into_iter()
        .filter(|found| !found.docs.contains("# Cancel safety"))
        .map(|found| format!("{}: {}", found.file, found.name))
        .collect();
    assert_eq!(silent, Vec::<String>::new());
}
