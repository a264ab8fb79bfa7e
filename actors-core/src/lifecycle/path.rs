//! Where an actor stands in its tree: `/chat/room-3`.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::id::ActorId;

/// Where an actor stands in the tree of its system.
///
/// An actor with a name shows it; one without shows its type and id: `/chat/Session#42`. A path is cheap to clone and
/// shares its parent with its siblings, so that the paths of a deep tree stay small.
#[derive(Clone)]
pub struct ActorPath {
    pub(crate) parent: Option<Arc<Node>>,
    pub(crate) segment: Segment,
}

/// The last part of a path.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Segment {
    Root,
    Named(Arc<str>),
    /// The type, with all its modules, and the id as it is shown. Shortened only where somebody reads it, since that takes time.
    Anonymous(&'static str, ActorId),
}

/// A path that other paths go through.
pub(crate) struct Node {
    parent: Option<Arc<Node>>,
    segment: Segment,
}

impl Node {
    pub(crate) fn root() -> Arc<Node> {
        Arc::new(Node { parent: None, segment: Segment::Root })
    }
}

impl Drop for Node {
    /// Frees the nodes above one by one: a chain of ten thousand parents must not need a stack that deep.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(node) = parent {
            parent = Arc::into_inner(node).and_then(|mut node| node.parent.take());
        }
    }
}

impl ActorPath {
    pub(crate) fn root() -> Self {
        ActorPath { parent: None, segment: Segment::Root }
    }

    pub(crate) fn node(&self) -> Arc<Node> {
        Arc::new(Node { parent: self.parent.clone(), segment: self.segment.clone() })
    }

    /// Returns the last part: the actor's name, or its type and id.
    pub fn name(&self) -> String {
        self.segment.to_string()
    }

    /// Returns how many actors stand above this one; 0 at the top of the tree.
    pub fn depth(&self) -> usize {
        self.segments().len().saturating_sub(1)
    }

    /// Whether it stands somewhere below `above`.
    pub(crate) fn is_below(&self, above: &ActorPath) -> bool {
        std::iter::successors(self.up(), ActorPath::up).any(|parent| parent == *above)
    }

    /// The path of the actor above, or of the root; the root itself has none above it.
    pub(crate) fn up(&self) -> Option<ActorPath> {
        self.parent.as_ref().map(|node| ActorPath { parent: node.parent.clone(), segment: node.segment.clone() })
    }

    /// Whether `text` is what the path reads, without writing the path out.
    fn reads(&self, text: &str) -> bool {
        if matches!(self.segment, Segment::Root) {
            return text == "/";
        }
        let Some(text) = text.strip_prefix('/') else { return false };
        // The last part tells most paths apart.
        if !self.segment.reads(text.rsplit('/').next().unwrap_or(text)) {
            return false;
        }
        let mut parts = text.split('/');
        self.segments().into_iter().all(|segment| parts.next().is_some_and(|part| segment.reads(part))) && parts.next().is_none()
    }

    /// The parts from the top down.
    pub(crate) fn segments(&self) -> Vec<&Segment> {
        let mut segments = Vec::new();
        if !matches!(self.segment, Segment::Root) {
            segments.push(&self.segment);
        }
        let mut above = self.parent.as_ref();
        while let Some(node) = above {
            if !matches!(node.segment, Segment::Root) {
                segments.push(&node.segment);
            }
            above = node.parent.as_ref();
        }
        segments.reverse();
        segments
    }
}

/// Equal paths read the same. Written without recursion, since a path may be ten thousand parts long.
impl PartialEq for ActorPath {
    fn eq(&self, other: &Self) -> bool {
        if self.segment != other.segment {
            return false;
        }
        let (mut mine, mut theirs) = (self.parent.as_ref(), other.parent.as_ref());
        loop {
            match (mine, theirs) {
                (None, None) => return true,
                (Some(a), Some(b)) if Arc::ptr_eq(a, b) => return true,
                (Some(a), Some(b)) if a.segment == b.segment => (mine, theirs) = (a.parent.as_ref(), b.parent.as_ref()),
                _ => return false,
            }
        }
    }
}

impl Eq for ActorPath {}

impl Hash for ActorPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segment.hash(state);
    }
}

impl fmt::Display for ActorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments = self.segments();
        let mut text = String::new();
        for segment in &segments {
            write!(text, "/{segment}")?;
        }
        f.pad(if text.is_empty() { "/" } else { &text })
    }
}

impl fmt::Debug for ActorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq<str> for ActorPath {
    fn eq(&self, other: &str) -> bool {
        self.reads(other)
    }
}

impl PartialEq<&str> for ActorPath {
    fn eq(&self, other: &&str) -> bool {
        self.reads(other)
    }
}

impl Segment {
    fn reads(&self, text: &str) -> bool {
        match self {
            Segment::Root => false,
            Segment::Named(name) => **name == *text,
            Segment::Anonymous(kind, id) => text.strip_prefix(short_name(kind)).is_some_and(|rest| rest == id.to_string()),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Root => Ok(()),
            Segment::Named(name) => f.write_str(name),
            Segment::Anonymous(kind, id) => write!(f, "{}{id}", short_name(kind)),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ActorPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The name of a type without its modules and parameters: `Session`.
pub(crate) fn short_name(full: &'static str) -> &'static str {
    let plain = full.split('<').next().unwrap_or(full);
    plain.rsplit("::").next().unwrap_or(plain)
}

/// What is wrong with a name, if anything.
pub(crate) fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("a name has at least one character")
    } else if name.contains('/') {
        Some("`/` separates the parts of a path")
    } else if name.contains('#') {
        Some("`#` marks the ids of actors without a name")
    } else if name.chars().any(char::is_control) {
        Some("a name has no control characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_reads_from_the_top_down() {
        let chat = ActorPath { parent: Some(Node::root()), segment: Segment::Named("chat".into()) };
        let session = ActorPath { parent: Some(chat.node()), segment: Segment::Anonymous("Session", ActorId(42)) };
        assert_eq!(session, "/chat/Session#42");
        assert_eq!(session.depth(), 1);
        assert_ne!(session.up().unwrap(), "/chat/chat");
        assert_eq!(ActorPath::root(), "/");
        for other in ["", "/", "/chat", "chat/Session#42", "/Session#42", "/x/chat/Session#42", "/chat/Session#4", "/chat/Session#42/"] {
            assert_ne!(session, other);
        }
    }

    #[test]
    fn two_paths_are_equal_if_all_their_parts_are() {
        let path = |parts: &[&str]| {
            parts
                .iter()
                .fold(ActorPath::root(), |above, part| ActorPath { parent: Some(above.node()), segment: Segment::Named((*part).into()) })
        };
        let db = path(&["app", "store", "db"]);
        assert_eq!(db, path(&["app", "store", "db"]));
        for other in [
            &["app", "cache", "db"] as &[_],
            &["site", "store", "db"],
            &["app", "store", "log"],
            &["store", "db"],
            &["x", "app", "store", "db"],
        ] {
            assert_ne!(db, path(other));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_path_of_names_without_fault_reads_as_it_is_written_and_as_nothing_else(
            names in prop::collection::vec("[^/#\\p{Cc}]{1,8}", 1..5),
            other in "(/[a#*]?){0,3}|\\PC*",
        ) {
            let mut path = ActorPath::root();
            for name in &names {
                prop_assert_eq!(name_fault(name), None);
                path = ActorPath { parent: Some(path.node()), segment: Segment::Named(Arc::from(name.as_str())) };
            }
            let text = format!("/{}", names.join("/"));
            prop_assert_eq!(path.to_string(), &*text);
            prop_assert!(path == *text);
            prop_assert_eq!(path == *other, text == other);
            prop_assert_eq!(path.depth() + 1, names.len());
        }

        #[test]
        fn a_name_that_would_be_read_as_something_else_has_a_fault(name in any::<String>()) {
            let path = ActorPath { parent: Some(Node::root()), segment: Segment::Named(Arc::from(name.as_str())) };
            let text = path.to_string();
            let is_one_part = text.split('/').count() == 2 && text != "/";
            if name_fault(&name).is_none() {
                prop_assert!(is_one_part && !name.contains('#') && !name.chars().any(char::is_control));
            } else {
                prop_assert!(!is_one_part || name.contains('#') || name.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn a_type_name_loses_modules_and_parameters() {
        assert_eq!(short_name("a::b::Cache<a::K, c::V>"), "Cache");
        assert_eq!(short_name("Plain"), "Plain");
    }

    #[test]
    fn equality_and_hash_of_a_deep_path_need_no_deep_stack_to_drop() {
        let mut path = ActorPath { parent: Some(Node::root()), segment: Segment::Named("top".into()) };
        for _ in 0..200_000 {
            path = ActorPath { parent: Some(path.node()), segment: Segment::Named("x".into()) };
        }
        assert_eq!(path.depth(), 200_000);
        drop(path);
    }
}
