//! How durations, paths and the words of others are put on a terminal.

use std::time::Duration;

use crate::lifecycle::path::ActorPath;

/// How many columns a line may have.
pub(super) const COLUMNS: usize = 100;

/// A duration as one reads it: `850 µs`, `412 ms`, `2.5 s`, `3 min 20 s`.
pub(super) fn human(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.as_millis());
    match seconds {
        0 if duration.is_zero() => "0 ms".to_owned(),
        0 if millis == 0 => format!("{} µs", duration.as_micros()),
        0 => format!("{millis} ms"),
        1..60 if duration.subsec_nanos() == 0 => format!("{seconds} s"),
        1..60 => {
            let tenths = (millis + 50) / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// How many columns a text takes, one for each character.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The text on one line, without control characters, and cut at the end if it is too long.
pub(super) fn plain(text: &str, width: usize) -> String {
    wrap(text, width, 1).pop().unwrap_or_default()
}

/// The words of a text on lines of at most `width` columns; what does not fit on `lines` lines is cut.
pub(super) fn wrap(text: &str, width: usize, lines: usize) -> Vec<String> {
    let mut wrapped = vec![String::new()];
    let mut used = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let fits = used + usize::from(used > 0) + columns(word) <= width;
        let mut letters = word.chars().peekable();
        if used > 0 && fits {
            push(&mut wrapped, ' ');
            used += 1;
        }
        let mut must_break = used > 0 && !fits;
        while let Some(&letter) = letters.peek() {
            if must_break || used == width {
                if wrapped.len() == lines {
                    cut(&mut wrapped, width);
                    return wrapped;
                }
                wrapped.push(String::new());
                used = 0;
                must_break = false;
            }
            push(&mut wrapped, letter);
            used += 1;
            letters.next();
        }
    }
    wrapped
}

fn push(lines: &mut [String], letter: char) {
    if let Some(line) = lines.last_mut() {
        line.push(letter);
    }
}

/// Marks the last line as going on.
fn cut(lines: &mut [String], width: usize) {
    if let Some(line) = lines.last_mut() {
        let mut room = columns(line);
        while room > width.saturating_sub(1) && line.pop().is_some() {
            room -= 1;
        }
        line.push('…');
    }
}

/// A path of at most `width` columns: the first part and as many of the last ones as fit.
pub(super) fn shorten(path: &ActorPath, width: usize) -> String {
    let segments = path.segments();
    let Some((first, rest)) = segments.split_first() else { return "/".to_owned() };
    let first = format!("/{first}");
    // A deep path is not written out only to be cut.
    let mut tail: Vec<String> = Vec::new();
    let mut room = width.saturating_sub(columns(&first));
    let mut left = rest.len();
    for segment in rest.iter().rev() {
        let part = format!("/{segment}");
        let mark = if left > 1 { 2 } else { 0 };
        if columns(&part) + mark > room {
            break;
        }
        room -= columns(&part);
        left -= 1;
        tail.push(part);
    }
    tail.reverse();
    match (left, tail.is_empty()) {
        (0, _) => middle(&(first + &tail.concat()), width),
        (_, false) => format!("{first}/…{}", tail.concat()),
        (_, true) => {
            let last = rest.last().map(ToString::to_string).unwrap_or_default();
            middle(&format!("{}…/{last}", if left > 1 { "/" } else { "" }), width)
        }
    }
}

/// A text cut in its middle.
fn middle(text: &str, width: usize) -> String {
    let length = columns(text);
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let (head, tail) = (kept / 2, kept - kept / 2);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

/// One thing, or several.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::lifecycle::id::ActorId;
    use crate::lifecycle::path::{Node, Segment};

    /// The path of a named actor below `parent`.
    pub(in crate::system) fn named(parent: &Arc<Node>, name: &str) -> ActorPath {
        ActorPath { parent: Some(parent.clone()), segment: Segment::Named(name.into()) }
    }

    #[test]
    fn durations_read_well() {
        let cases = [
            (Duration::ZERO, "0 ms"),
            (Duration::from_micros(850), "850 µs"),
            (Duration::from_micros(412_900), "412 ms"),
            (Duration::from_secs(25), "25 s"),
            (Duration::from_millis(2_540), "2.5 s"),
            (Duration::from_millis(59_990), "60.0 s"),
            (Duration::from_secs(200), "3 min 20 s"),
            (Duration::from_secs(7_260), "2 h 1 min"),
        ];
        for (duration, text) in cases {
            assert_eq!(human(duration), text);
        }
        assert!(human(Duration::MAX).ends_with(" min"));
    }

    #[test]
    fn foreign_text_is_wrapped_cut_and_stripped_of_control_characters() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3, 9), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("one two three four", 7, 2), ["one two", "three…"]);
        assert_eq!(plain("left:\n\u{1b}[31m 1", 20), "left: [31m 1");
        assert_eq!(plain("abcdefgh", 4), "abc…");
        assert_eq!(plain("", 4), "");
    }

    #[test]
    fn long_paths_lose_their_middle() {
        let top = named(&Node::root(), "chat");
        let room = named(&top.node(), "room");
        let session = ActorPath { parent: Some(room.node()), segment: Segment::Anonymous("Session", ActorId(42)) };
        assert_eq!(shorten(&session, 30), "/chat/room/Session#42");
        assert_eq!(shorten(&session, 21), "/chat/room/Session#42");
        assert_eq!(shorten(&session, 20), "/chat/…/Session#42");
        assert_eq!(shorten(&session, 12), "/…/Se…ion#42");
        assert_eq!(shorten(&named(&Node::root(), "abcdefghij"), 6), "/a…hij");
        assert_eq!(shorten(&ActorPath::root(), 6), "/");
        for width in 0..30 {
            assert!(columns(&shorten(&session, width)) <= width.max(1), "{width}");
        }
    }
}
