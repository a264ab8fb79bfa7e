//! The table in `CONFORMANCE.md` is whole and true: every scenario has its row, every test in it exists, and every test
//! named after a scenario stands in its row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("../CONFORMANCE.md");

/// The groups of scenarios, and how many each has.
const GROUPS: [(&str, u32); 21] = [
    ("LIF", 6),
    ("MBX", 8),
    ("ASK", 8),
    ("LNK", 5),
    ("MON", 6),
    ("STR", 6),
    ("RST", 6),
    ("INT", 5),
    ("BKO", 5),
    ("SHD", 7),
    ("SIG", 4),
    ("SYS", 7),
    ("OSS", 3),
    ("PAN", 6),
    ("TMR", 6),
    ("REG", 5),
    ("PUB", 5),
    ("STM", 5),
    ("BLK", 4),
    ("REF", 5),
    ("RAC", 5),
];

/// The rows of the table by their ID: what stands in the second column.
fn rows() -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| ")) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (id, answer) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        if is_id(id) {
            let twice = rows.insert(id.to_owned(), answer.to_owned());
            assert!(twice.is_none(), "{id} has two rows");
        }
    }
    rows
}

fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(group, number)| GROUPS.iter().any(|(known, _)| *known == group) && number.parse::<u32>().is_ok())
}

/// The tests that an answer names, between backticks. A rule (`S4.2`) or a type is no test.
fn tests_of(answer: &str) -> BTreeSet<String> {
    let quoted = answer.split('`').skip(1).step_by(2);
    quoted
        .filter(|name| name.contains('_') && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        .map(str::to_owned)
        .collect()
}

/// The names of all functions below `folder`.
fn functions(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the tests are there").map(|entry| entry.expect("it can be read").path()) {
        if entry.is_dir() {
            found.append(&mut functions(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).expect("it can be read");
            let named = text.lines().filter_map(|line| line.trim_start().trim_start_matches("async ").strip_prefix("fn "));
            found.extend(named.filter_map(|rest| rest.split(['(', '<']).next()).map(str::to_owned));
        }
    }
    found
}

fn all_tests() -> BTreeSet<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = functions(&tests.join("behaviour"));
    all.append(&mut functions(&tests.join("processes")));
    all
}

/// The scenario after which a test is named: `LIF-1` for `lif_1_start_call_waits`.
fn scenario_of(test: &str) -> Option<String> {
    let mut parts = test.split('_');
    let (group, number) = (parts.next()?.to_uppercase(), parts.next()?.parse::<u32>().ok()?);
    let id = format!("{group}-{number}");
    is_id(&id).then_some(id)
}

#[test]
fn every_scenario_has_a_row_with_tests_or_a_reason() {
    let rows = rows();
    for id in GROUPS.iter().flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}-{number}"))) {
        let answer = rows.get(&id).unwrap_or_else(|| panic!("{id} has no row"));
        let has_reason = answer.starts_with("not applicable, because ") || answer.starts_with("later: ");
        assert!(has_reason || !tests_of(answer).is_empty(), "{id} has neither a test nor a reason: {answer}");
    }
    let expected: u32 = GROUPS.iter().map(|(_, count)| count).sum();
    assert_eq!(rows.len(), expected as usize, "there are rows of scenarios that do not exist");
}

#[test]
fn every_test_in_the_table_exists() {
    let all = all_tests();
    for (id, answer) in rows() {
        let missing: Vec<_> = tests_of(&answer).into_iter().filter(|test| !all.contains(test)).collect();
        assert!(missing.is_empty(), "{id} names tests that do not exist: {missing:?}");
    }
}

#[test]
fn every_test_named_after_a_scenario_stands_in_its_row() {
    let rows = rows();
    let unlisted: Vec<_> = all_tests()
        .into_iter()
        .filter(|test| scenario_of(test).is_some_and(|id| !rows.get(&id).is_some_and(|answer| tests_of(answer).contains(test))))
        .collect();
    assert!(unlisted.is_empty(), "not in the table: {unlisted:#?}");
}
