//! How what was expected and what there is are shown side by side.

use std::fmt::Write as _;

/// The lines of both, in order: ` ` stands before what is in both, `-` before what is missing, `+` before what nobody
/// expected.
pub(super) fn diff(expected: &[String], actual: &[String]) -> String {
    // How many lines the rest of both has in common, from each pair of places on.
    let mut common = vec![vec![0_usize; actual.len() + 1]; expected.len() + 1];
    for (e, line) in expected.iter().enumerate().rev() {
        for (a, other) in actual.iter().enumerate().rev() {
            common[e][a] = if line == other { common[e + 1][a + 1] + 1 } else { common[e + 1][a].max(common[e][a + 1]) };
        }
    }
    let (mut e, mut a) = (0, 0);
    let mut text = String::new();
    while e < expected.len() || a < actual.len() {
        let (mark, line) = if e < expected.len() && a < actual.len() && expected[e] == actual[a] {
            (e, a) = (e + 1, a + 1);
            (' ', &actual[a - 1])
        } else if a == actual.len() || (e < expected.len() && common[e + 1][a] >= common[e][a + 1]) {
            e += 1;
            ('-', &expected[e - 1])
        } else {
            a += 1;
            ('+', &actual[a - 1])
        };
        let _ = write!(text, "\n  {mark} {line}");
    }
    text
}

/// A list with a line for each.
pub(super) fn list(lines: &[String]) -> String {
    if lines.is_empty() {
        return "\n    (nothing)".to_owned();
    }
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = write!(text, "\n    {line}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_keeps_what_is_common_and_marks_the_rest() {
        let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let cases = [
            ("a b c", "a b c", "\n    a\n    b\n    c"),
            ("a b c", "a c", "\n    a\n  - b\n    c"),
            ("a c", "a b c", "\n    a\n  + b\n    c"),
            ("a b", "b a", "\n  - a\n    b\n  + a"),
            ("", "a", "\n  + a"),
            ("a", "", "\n  - a"),
            ("", "", ""),
        ];
        for (expected, actual, text) in cases {
            assert_eq!(diff(&lines(expected), &lines(actual)), text, "{expected} and {actual}");
        }
    }
}
