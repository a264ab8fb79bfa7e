//! A snapshot of the living tree, as flat plain data.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use super::text::{counted, human};
use crate::lifecycle::cell::{AnyCell, Family};
use crate::lifecycle::id::ActorId;
use crate::lifecycle::path::{ActorPath, Segment, short_name};
use crate::lifecycle::signal::Signals;

/// How deep the lines of a tree are indented; below that the depth is written out.
const INDENTED: usize = 16;

/// The actors of a system at one time.
///
/// `Display` shows them as an indented tree, [`to_mermaid`](Tree::to_mermaid) and [`to_dot`](Tree::to_dot) as a graph. The
/// actors go on while they are looked at, so that each node is true, but not all of them at the same instant.
///
/// ```no_run
/// # fn show(system: &actors_core::ActorSystem) {
/// let tree = system.tree();
/// println!("{tree}");
/// if let Some(db) = tree.find("/db") {
///     println!("{} messages wait", db.queued);
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Tree {
    /// The name of the system.
    pub system: String,
    /// The actors: each before its children, siblings in the order in which they were started.
    pub nodes: Vec<TreeNode>,
}

/// One actor of a [`Tree`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TreeNode {
    /// Where it stands.
    pub path: ActorPath,
    /// What tells it from all others of its system.
    pub id: ActorId,
    /// The name of its type, without modules.
    pub kind: String,
    /// How many actors stand above it; 0 at the top of the tree.
    pub depth: usize,
    /// Which of the nodes is its parent; `None` at the top of the tree.
    pub parent: Option<usize>,
    /// What it is about.
    pub state: ActorState,
    /// How many messages wait in its mailbox.
    pub queued: u64,
    /// The type of the message in hand.
    pub handling: Option<String>,
    /// How long the handler in hand has waited, if it has waited at all.
    pub handling_for: Option<Duration>,
    /// How many children it has.
    pub children: usize,
}

/// What an actor is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum ActorState {
    /// Its `started` hook has not succeeded yet.
    Starting,
    /// It handles messages.
    Running,
    /// It was asked to end.
    Stopping,
    /// It is between two incarnations.
    Restarting,
}

impl Tree {
    /// Returns how many actors there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Tells whether there are no actors.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the actor with this path.
    pub fn find(&self, path: &str) -> Option<&TreeNode> {
        self.nodes.iter().find(|node| node.path == *path)
    }

    /// Returns the tree as a Mermaid flowchart.
    pub fn to_mermaid(&self) -> String {
        let mut text = format!("graph TD\n    root([\"{}\"])\n", mermaid_label(&self.system));
        for (number, node) in self.nodes.iter().enumerate() {
            text.push_str(&format!("    n{number}[\"{}\"]\n", mermaid_label(&node.to_string())));
            text.push_str(&format!("    {} --> n{number}\n", graph_id(node.parent)));
        }
        text
    }

    /// Returns the tree in the DOT language of Graphviz.
    pub fn to_dot(&self) -> String {
        let system = dot_label(&self.system);
        let mut text = format!("digraph \"{system}\" {{\n    node [shape=box];\n    root [label=\"{system}\", shape=oval];\n");
        for (number, node) in self.nodes.iter().enumerate() {
            text.push_str(&format!("    n{number} [label=\"{}\"];\n", dot_label(&node.to_string())));
            text.push_str(&format!("    {} -> n{number};\n", graph_id(node.parent)));
        }
        text.push_str("}\n");
        text
    }
}

/// Looks at all actors below `root`.
pub(crate) fn snapshot(root: &Arc<Family>) -> Tree {
    let mut nodes: Vec<TreeNode> = Vec::new();
    for Place { cell, depth, parent } in preorder(root) {
        if let Some(parent) = parent {
            nodes[parent].children += 1;
        }
        nodes.push(look_at(&cell, depth, parent));
    }
    Tree { system: root.env.name.to_string(), nodes }
}

/// An actor and where it stands.
pub(super) struct Place {
    pub(super) cell: Arc<dyn AnyCell>,
    pub(super) depth: usize,
    /// The place of its parent in the same list.
    pub(super) parent: Option<usize>,
}

/// The actors below `root`: each before its children, siblings in start order. Those that have ended are left out.
pub(super) fn preorder(root: &Arc<Family>) -> Vec<Place> {
    let mut places = Vec::new();
    let mut ahead: Vec<Place> = Vec::new();
    let place_all = |family: &Arc<Family>, depth, parent, ahead: &mut Vec<Place>| {
        ahead.extend(family.children().into_iter().rev().map(|cell| Place { cell, depth, parent }));
    };
    place_all(root, 0, None, &mut ahead);
    while let Some(place) = ahead.pop() {
        if place.cell.has_ended() {
            continue;
        }
        if let Some(family) = place.cell.core().family() {
            place_all(family, place.depth + 1, Some(places.len()), &mut ahead);
        }
        places.push(place);
    }
    places
}

fn look_at(cell: &Arc<dyn AnyCell>, depth: usize, parent: Option<usize>) -> TreeNode {
    let core = cell.core();
    let state = if core.signals.any(Signals::DOWN) {
        ActorState::Restarting
    } else if core.is_stopping() {
        ActorState::Stopping
    } else if core.signals.any(Signals::STARTED) {
        ActorState::Running
    } else {
        ActorState::Starting
    };
    let handling = cell.in_hand().map(str::to_owned);
    TreeNode {
        path: cell.path(),
        id: cell.id(),
        kind: short_name(cell.kind()).to_owned(),
        depth,
        parent,
        state,
        queued: cell.queued(),
        handling_for: handling.as_ref().and_then(|_| core.waiting_for()),
        handling,
        children: 0,
    }
}

/// One line for each actor: `room: Room, stopping, 3 queued, in `Say` for 2 s`.
impl fmt::Display for TreeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.segment)?;
        let mut marks = Vec::new();
        // The name of an actor that was given none tells its type already.
        if matches!(self.path.segment, Segment::Named(_)) {
            marks.push(self.kind.clone());
        }
        match self.state {
            ActorState::Starting => marks.push("starting".to_owned()),
            ActorState::Running => {}
            ActorState::Stopping => marks.push("stopping".to_owned()),
            ActorState::Restarting => marks.push("restarting".to_owned()),
        }
        if self.queued > 0 {
            marks.push(format!("{} queued", self.queued));
        }
        if let Some(message) = &self.handling {
            marks.push(match self.handling_for {
                Some(time) => format!("in `{message}` for {}", human(time)),
                None => format!("in `{message}`"),
            });
        }
        if !marks.is_empty() {
            write!(f, ": {}", marks.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.system, counted(self.len(), "actor", "actors"))?;
        let is_last = self.last_siblings();
        // What stands before the lines of the children of the actor at each depth, down to where indenting ends.
        let mut indents = vec![String::new()];
        for (node, is_last) in self.nodes.iter().zip(is_last) {
            f.write_char('\n')?;
            if node.depth > INDENTED {
                write!(f, "{}… {}: {node}", indents.last().map_or("", String::as_str), node.depth)?;
                continue;
            }
            indents.truncate(node.depth + 1);
            let indent = indents.last().map_or("", String::as_str);
            let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            write!(f, "{indent}{branch}{node}")?;
            let below = format!("{indent}{below}");
            indents.push(below);
        }
        Ok(())
    }
}

impl Tree {
    /// Which of the nodes has no later sibling.
    fn last_siblings(&self) -> Vec<bool> {
        let (mut top_seen, mut seen) = (false, vec![false; self.nodes.len()]);
        let mut last = vec![false; self.nodes.len()];
        for (number, node) in self.nodes.iter().enumerate().rev() {
            let seen = node.parent.and_then(|parent| seen.get_mut(parent)).unwrap_or(&mut top_seen);
            last[number] = !std::mem::replace(seen, true);
        }
        last
    }
}

fn graph_id(parent: Option<usize>) -> String {
    parent.map_or_else(|| "root".to_owned(), |number| format!("n{number}"))
}

/// A text as Mermaid takes it between quotes: what has a meaning there becomes a character code.
fn mermaid_label(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' => label.push_str(&format!("#{};", u32::from(letter))),
            letter if letter.is_control() => label.push(' '),
            letter => label.push(letter),
        }
    }
    label
}

/// A text as DOT takes it between quotes.
fn dot_label(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => label.extend(['\\', letter]),
            letter if letter.is_control() => label.push(' '),
            letter => label.push(letter),
        }
    }
    label
}

#[cfg(test)]
pub(super) mod tests {
    use std::any::Any;

    use super::*;
    use crate::lifecycle::cell::{Core, Turn};
    use crate::lifecycle::env::Env;
    use crate::lifecycle::path::Node;
    use crate::lifecycle::policy::Policy;
    use crate::lifecycle::run_queue::{RunQueue, TakesTurns};
    use crate::mailbox::{Closed, Ticket};
    use crate::system::text::tests::named;

    /// An actor that only stands in the tree.
    pub(in crate::system) struct Statue(Core);

    impl TakesTurns for Statue {
        fn run_queue(&self) -> &Arc<RunQueue> {
            &self.0.parent.env.run_queue
        }
        fn depth(&self) -> u32 {
            self.0.parent.depth
        }
        fn take_turn(self: Arc<Self>) {}
        fn start_task(self: Arc<Self>) {}
    }

    impl AnyCell for Statue {
        fn core(&self) -> &Core {
            &self.0
        }
        fn put_into(self: Arc<Self>, _place: &mut dyn Any) {}
        fn kind(&self) -> &'static str {
            "Statue"
        }
        fn default_policy(&self) -> &'static Policy {
            &Policy::DEFAULT
        }
        fn call(self: Arc<Self>) {}
        fn end_at_rest(self: Arc<Self>, _: &crate::lifecycle::exit::ExitReason) -> bool {
            false
        }
        fn bring_down(self: Arc<Self>, _: crate::lifecycle::exit::ExitReason, _: crate::lifecycle::request::Mode) {}
        fn has_stop_hook(&self) -> bool {
            false
        }
        fn state_drops(&self) -> bool {
            false
        }
        fn close_at_rest(&self, _: Closed, _: bool) -> bool {
            false
        }
        fn drop_state(&self) {}
        fn sleeps_after(&self) -> Option<u64> {
            None
        }
        fn close(&self, _: Closed) {}
        fn discard(&self, _: crate::lifecycle::dead_letter::DeadReason) {}
        fn suspend(&self, _: &mut crate::mailbox::Admitted, _: &mut std::task::Context<'_>, _: u32) -> bool {
            true
        }
        fn vacate(&self) {}
        fn makes_wait(&self, _: Ticket) -> bool {
            false
        }
        fn rouse(&self, _: Ticket) {}

        fn queued(&self) -> u64 {
            2
        }
        fn pushed(&self) -> u64 {
            2
        }
        fn has_taken(&self, _: u64) -> bool {
            false
        }
        fn message_name(&self, _: u32) -> &'static str {
            "Say"
        }
    }

    pub(in crate::system) fn root() -> Arc<Family> {
        Family::root(Env::new("chat".into(), tokio::runtime::Handle::current(), std::time::Duration::MAX))
    }

    /// Starts an actor below `family`; returns its own family too.
    pub(in crate::system) fn grow(family: &Arc<Family>, name: Option<&str>, policy: Option<Policy>) -> (Arc<dyn AnyCell>, Arc<Family>) {
        let core = Core::new(family.env.next_id(), name.map(Arc::from), family.clone(), policy.map(Box::new), Signals::STARTED);
        let cell: Arc<dyn AnyCell> = Arc::new(Statue(core));
        assert!(family.admit(&cell, || {}));
        let own = cell.core().family_or_begin(&cell).clone();
        (cell, own)
    }

    fn node(path: ActorPath, parent: Option<(usize, &mut TreeNode)>) -> TreeNode {
        let mut node = TreeNode {
            path,
            id: ActorId(1),
            kind: "Room".to_owned(),
            depth: 0,
            parent: None,
            state: ActorState::Running,
            queued: 0,
            handling: None,
            handling_for: None,
            children: 0,
        };
        if let Some((number, parent)) = parent {
            parent.children += 1;
            (node.parent, node.depth) = (Some(number), parent.depth + 1);
        }
        node
    }

    fn small() -> Tree {
        let root = Node::root();
        let mut chat = node(named(&root, "chat"), None);
        let mut room = node(named(&chat.path.node(), "say \"hi\""), Some((0, &mut chat)));
        (room.state, room.queued) = (ActorState::Stopping, 3);
        (room.handling, room.handling_for) = (Some("Say".to_owned()), Some(Duration::from_millis(1_200)));
        let anonymous = ActorPath { parent: Some(room.path.node()), segment: Segment::Anonymous("Session", ActorId(42)) };
        let session = node(anonymous, Some((1, &mut room)));
        let mut empty = node(named(&chat.path.node(), "empty"), Some((0, &mut chat)));
        empty.state = ActorState::Starting;
        let log = node(named(&root, "log"), None);
        Tree { system: "demo".to_owned(), nodes: vec![chat, room, session, empty, log] }
    }

    #[test]
    fn a_tree_is_drawn_with_branches() {
        let expected = "\
demo: 5 actors
├─ chat: Room
│  ├─ say \"hi\": Room, stopping, 3 queued, in `Say` for 1.2 s
│  │  └─ Session#42
│  └─ empty: Room, starting
└─ log: Room";
        assert_eq!(small().to_string(), expected);
        assert_eq!(Tree { system: "demo".to_owned(), nodes: Vec::new() }.to_string(), "demo: 0 actors");
    }

    #[test]
    fn actors_are_found_by_their_paths() {
        let tree = small();
        assert_eq!(tree.find("/chat/say \"hi\"/Session#42").map(|node| node.depth), Some(2));
        assert!(tree.find("/chat/log").is_none());
        assert_eq!((tree.len(), tree.is_empty()), (5, false));
    }

    #[test]
    fn graphs_escape_what_has_a_meaning() {
        let mut tree = small();
        tree.nodes.truncate(3);
        let mermaid = "graph TD
    root([\"demo\"])
    n0[\"chat: Room\"]
    root --> n0
    n1[\"say #34;hi#34;: Room, stopping, 3 queued, in #96;Say#96; for 1.2 s\"]
    n0 --> n1
    n2[\"Session#35;42\"]
    n1 --> n2
";
        assert_eq!(tree.to_mermaid(), mermaid);
        let dot = r#"digraph "demo" {
    node [shape=box];
    root [label="demo", shape=oval];
    n0 [label="chat: Room"];
    root -> n0;
    n1 [label="say \"hi\": Room, stopping, 3 queued, in `Say` for 1.2 s"];
    n0 -> n1;
    n2 [label="Session#42"];
    n1 -> n2;
}
"#;
        assert_eq!(tree.to_dot(), dot);
    }

    #[tokio::test]
    async fn a_snapshot_lists_parents_before_children_in_start_order() {
        let root = root();
        let (a, below_a) = grow(&root, Some("a"), None);
        let (b, _) = grow(&root, Some("b"), None);
        let (child, _) = grow(&below_a, None, None);
        b.core().signals.set(Signals::STOP);
        child.core().begin(0, Turn::Ordinary);
        let tree = snapshot(&root);
        let lines: Vec<String> = tree.nodes.iter().map(|node| format!("{} {:?} {}", node.path, node.state, node.children)).collect();
        assert_eq!(lines, ["/a Running 1", "/a/Statue#3 Running 0", "/b Stopping 0"]);
        assert_eq!((tree.nodes[1].parent, tree.nodes[1].depth, tree.nodes[1].queued), (Some(0), 1, 2));
        assert_eq!(tree.nodes[1].handling.as_deref(), Some("Say"));
        assert_eq!((tree.nodes[0].id, tree.system.as_str()), (a.id(), "chat"));
    }

    #[test]
    fn down_to_a_depth_lines_are_indented_and_below_it_the_depth_is_written_out() {
        let mut nodes: Vec<TreeNode> = vec![node(named(&Node::root(), "0"), None)];
        for depth in 1..=INDENTED + 1 {
            let above = nodes.last_mut().expect("there is one");
            let path = named(&above.path.node(), &depth.to_string());
            let below = node(path, Some((depth - 1, above)));
            nodes.push(below);
        }
        let text = Tree { system: "demo".to_owned(), nodes }.to_string();
        let last: Vec<_> = text.lines().rev().take(2).map(str::trim_start).collect();
        assert_eq!(last, ["… 17: 17: Room", "└─ 16: Room"]);
    }

    #[tokio::test]
    async fn a_chain_of_ten_thousand_needs_no_deep_stack() {
        let root = root();
        let mut family = root.clone();
        for _ in 0..10_000 {
            family = grow(&family, Some("link"), None).1;
        }
        let tree = snapshot(&root);
        assert_eq!((tree.len(), tree.nodes[9_999].depth), (10_000, 9_999));
        assert!(tree.to_string().ends_with("… 9999: link: Statue, 2 queued"));
        assert!(tree.to_string().len() < 2_000_000);
    }
}
