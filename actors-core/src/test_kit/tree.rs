//! What the tree looks like, and what it should.

use std::future::Future;
use std::panic::Location;

use super::LIMIT;
use super::run::until;
use super::text::diff;
use crate::lifecycle::kit::pattern::Pattern;
use crate::system::{ActorState, ActorSystem, TreeNode};

impl ActorSystem {
    /// Asserts that there are these actors and no others. The order does not matter.
    ///
    /// Each line is a path, in which `*` stands for anything within one part, and stands for one actor; behind a colon
    /// there may be its type: `/pool`, `/pool/Worker#*`, `/db: Postgres`.
    ///
    /// # Panics
    /// Panics if it is not so, and shows what is missing (`-`) and what was not expected (`+`).
    #[track_caller]
    pub fn assert_tree(&self, expected: &[&str]) {
        let wanted = wanted(expected);
        if let Some(difference) = difference(&wanted, &self.tree().nodes) {
            panic!("the tree of `{}` is not as expected:{difference}", self.name());
        }
    }

    /// Waits until there are these actors and no others, as [`assert_tree`](Self::assert_tree) would have it; for 3 s at
    /// most.
    ///
    /// # Panics
    /// Panics if it does not come about, and shows the last difference.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    #[track_caller]
    pub fn await_tree(&self, expected: &[&str]) -> impl Future<Output = ()> + Send + use<'_> {
        let place = Location::caller();
        let wanted = wanted(expected);
        async move {
            if let Err(difference) = until(LIMIT, || difference(&wanted, &self.tree().nodes).map_or(Ok(()), Err)).await {
                panic!("{place}: within {LIMIT:?} the tree of `{}` did not become as expected:{difference}", self.name());
            }
        }
    }

    /// Asserts that there is an actor at `path`, and that nothing has asked it to end.
    ///
    /// # Panics
    /// Panics if it is not so, and shows the tree.
    #[track_caller]
    pub fn assert_alive(&self, path: &str) {
        let tree = self.tree();
        match tree.find(path) {
            Some(node) if node.state != ActorState::Stopping => {}
            Some(_) => panic!("{path} is stopping\n{tree}"),
            None => panic!("there is no {path}\n{tree}"),
        }
    }

    /// Asserts that there is no actor at `path`.
    ///
    /// # Panics
    /// Panics if there is one, and shows the tree.
    #[track_caller]
    pub fn assert_gone(&self, path: &str) {
        let tree = self.tree();
        if tree.find(path).is_some() {
            panic!("{path} is still there\n{tree}");
        }
    }
}

/// A line of what is expected.
struct Wanted {
    line: String,
    path: Pattern,
    kind: Option<String>,
}

impl Wanted {
    fn fits(&self, node: &TreeNode) -> bool {
        self.path.fits(&node.path) && self.kind.as_ref().is_none_or(|kind| *kind == node.kind)
    }
}

#[track_caller]
fn wanted(lines: &[&str]) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for line in lines {
        let (path, kind) = match line.split_once(": ") {
            Some((path, kind)) => (path, Some(kind.trim().to_owned())),
            None => (*line, None),
        };
        assert!(path.starts_with('/'), "`{line}`: a path begins with `/`");
        let pattern = Pattern::new(path).unwrap_or_else(|wrong| panic!("`{line}` is no path: {wrong}"));
        wanted.push(Wanted { line: (*line).to_owned(), path: pattern, kind });
    }
    // Those that leave nothing open choose first.
    wanted.sort_by_key(|wanted| (wanted.line.contains('*'), wanted.kind.is_none()));
    wanted
}

/// What is missing and what is too much, if anything.
fn difference(wanted: &[Wanted], nodes: &[TreeNode]) -> Option<String> {
    let mut missing: Vec<String> = Vec::new();
    let mut left: Vec<&TreeNode> = nodes.iter().collect();
    for wanted in wanted {
        match left.iter().position(|node| wanted.fits(node)) {
            Some(place) => drop(left.remove(place)),
            None => missing.push(wanted.line.clone()),
        }
    }
    if missing.is_empty() && left.is_empty() {
        return None;
    }
    let mut expected = missing;
    let mut actual = Vec::new();
    for node in nodes {
        let is_left = left.iter().any(|other| other.id == node.id);
        let line = if is_left { format!("{}: {}", node.path, node.kind) } else { node.path.to_string() };
        if !is_left {
            expected.push(line.clone());
        }
        actual.push(line);
    }
    expected.sort();
    actual.sort();
    Some(diff(&expected, &actual))
}
