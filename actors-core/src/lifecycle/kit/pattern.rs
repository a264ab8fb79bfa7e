//! Which actors are meant: a path, or a name, with `*` for what may be anything.

use std::fmt;
use std::sync::Arc;

use crate::lifecycle::path::ActorPath;

/// What a path or a name has to look like.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Arc<str>);

impl Pattern {
    /// A pattern that begins with `/` is of a whole path, any other of the last part of one.
    ///
    /// # Errors
    /// Says why `text` fits nothing.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix('/') {
            None if text.is_empty() => Err("it is empty"),
            None if text.contains('/') => Err("a path begins with `/`, and a name has none"),
            Some(path) if path.split('/').any(str::is_empty) => Err("a part of it is empty"),
            _ => Ok(Pattern(Arc::from(text))),
        }
    }

    pub(crate) fn fits(&self, path: &ActorPath) -> bool {
        match self.0.strip_prefix('/') {
            None => wild(&self.0, &path.name()),
            Some(parts) => {
                let mut parts = parts.split('/');
                path.segments().into_iter().all(|segment| parts.next().is_some_and(|part| wild(part, &segment.to_string())))
                    && parts.next().is_none()
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is what `pattern` says, in which `*` stands for anything.
fn wild(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').map_or((None, rest), |(middle, tail)| (Some(middle), tail));
    // The first place for each is as good as any later one.
    for part in middle.into_iter().flat_map(|middle| middle.split('*')) {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lifecycle::id::ActorId;
    use crate::lifecycle::path::{Node, Segment};

    #[test]
    fn a_pattern_is_of_a_path_or_of_a_name() {
        let pool = ActorPath { parent: Some(Node::root()), segment: Segment::Named("pool".into()) };
        let first = ActorPath { parent: Some(pool.node()), segment: Segment::Named("worker-1".into()) };
        let other = ActorPath { parent: Some(pool.node()), segment: Segment::Anonymous("Worker", ActorId(7)) };
        let cases = [
            ("/pool/worker-1", &first, true),
            ("/pool/worker-*", &first, true),
            ("/*/*", &first, true),
            ("/*/w*r*1", &first, true),
            ("/*", &first, false),
            ("/*", &pool, true),
            ("/pool/worker-1/x", &first, false),
            ("/pool/worker-12", &first, false),
            ("worker-1", &first, true),
            ("*", &first, true),
            ("worker-*-*", &first, false),
            ("worker-1*1", &first, false),
            ("pool", &first, false),
            ("Worker#*", &other, true),
            ("/pool/Worker#7", &other, true),
            ("/pool/Worker#8", &other, false),
        ];
        for (pattern, path, fits) in cases {
            assert_eq!(Pattern::new(pattern).unwrap().fits(path), fits, "{pattern} and {path}");
        }
    }

    /// The same question, answered letter by letter.
    fn slowly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            ([b'*', rest @ ..], text) => (0..=text.len()).any(|place| slowly(rest, &text[place..])),
            ([letter, rest @ ..], [first, left @ ..]) => letter == first && slowly(rest, left),
            (_, []) => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn stars_stand_for_anything(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(wild(&pattern, &text), slowly(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn any_name_is_a_pattern_that_it_fits(name in "[^/]{1,16}", parent in "[^/]{1,16}") {
            let above = ActorPath { parent: Some(Node::root()), segment: Segment::Named(Arc::from(&*parent)) };
            let path = ActorPath { parent: Some(above.node()), segment: Segment::Named(Arc::from(&*name)) };
            for text in [name, path.to_string()] {
                let pattern = Pattern::new(&text);
                prop_assert!(pattern.is_ok_and(|pattern| pattern.fits(&path) && pattern.to_string() == text));
            }
        }

        #[test]
        fn whatever_text_is_a_pattern_or_none(text in any::<String>()) {
            if let Ok(pattern) = Pattern::new(&text) {
                pattern.fits(&ActorPath::root());
            }
        }
    }

    #[test]
    fn what_fits_nothing_is_no_pattern() {
        for text in ["", "/", "/a//b", "/a/", "a/b"] {
            assert!(Pattern::new(text).is_err(), "{text}");
        }
    }
}
