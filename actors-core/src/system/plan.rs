//! What a shutdown would do, found out without stopping anything (S7.9).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::text::{counted, human, shorten};
use super::tree::{Place, preorder};
use crate::lifecycle::cell::{AnyCell, Family};
use crate::lifecycle::path::ActorPath;
use crate::lifecycle::policy::{Children, Limit};

/// How many steps are shown; of more than that, the first and the last ones.
const SHOWN: usize = 100;
/// How many warnings of one sort are given.
const WARNINGS: usize = 20;

/// The order and the worst-case time of a shutdown that began now.
///
/// The worst case follows from the stop limits alone:
///
/// - an actor with a stop limit takes that long, its children included;
/// - one without children that has been given none has 5 s;
/// - one with children that has been given none takes as long as they do: stopping in order their times add up, side by
///   side the longest counts;
/// - one whose limit is lifted is unlimited, and so is whatever waits for it without a limit of its own.
///
/// A real shutdown ends at its deadline whatever the limits say. What comes on top of a limit that is hit, the hook of an
/// actor that was killed, is bounded by [`hook_limit`](PlanStep::hook_limit) and by the deadlines above, and is not counted.
///
/// ```no_run
/// # fn check(system: &actors_core::ActorSystem) {
/// let plan = system.shutdown_plan();
/// assert!(plan.stops_before("/web", "/db"));
/// assert!(plan.warnings.is_empty(), "{plan}");
/// # }
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownPlan {
    /// The name of the system.
    pub system: String,
    /// One step for each actor: children before their parents, the last started first.
    pub steps: Vec<PlanStep>,
    /// How long the whole may take by the limits alone; `None` if nothing but the deadline ends it.
    pub worst_case: Option<Duration>,
    /// How long the whole may take at most.
    pub deadline: Duration,
    /// What does not fit together, in words.
    pub warnings: Vec<String>,
}

/// The stop of one actor, as part of a [`ShutdownPlan`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PlanStep {
    /// Which actor stops.
    pub path: ActorPath,
    /// When its turn is, counted from 1. Where actors stop side by side, steps share a number.
    pub group: usize,
    /// Which of the steps is that of its parent; `None` at the top of the tree.
    pub parent: Option<usize>,
    /// Whether its children stop side by side.
    pub side_by_side: bool,
    /// How long it may take, its children included; `None` if it has no limit of its own.
    pub limit: Option<Duration>,
    /// How long its `stopped` hook may take; `None` if that is unlimited.
    pub hook_limit: Option<Duration>,
    /// How long it may take by its own limit and those below it; `None` if they allow any time.
    pub worst_case: Option<Duration>,
}

impl ShutdownPlan {
    /// Returns the paths of the actors in the order in which they would stop.
    ///
    /// They compare with text: `assert_eq!(plan.order(), ["/chat/room", "/chat"])`. Actors that stop side by side stand
    /// one after the other here; see [`stops_before`](Self::stops_before).
    pub fn order(&self) -> Vec<&ActorPath> {
        self.steps.iter().map(|step| &step.path).collect()
    }

    /// Tells whether the actor `first` has ended for certain before the turn of `second` ends: it stands below it, or
    /// before it in order. Of actors that stop side by side, and of those that are not there, neither does.
    pub fn stops_before(&self, first: &str, second: &str) -> bool {
        let place = |path: &str| self.steps.iter().position(|step| step.path == *path);
        let (Some(first), Some(second)) = (place(first), place(second)) else { return false };
        if first >= second {
            return false;
        }
        // A parent's step comes after those of its children, so the smaller of two is never above the other.
        let (mut a, mut b) = (Some(first), Some(second));
        while a != b {
            match (a, b) {
                (Some(low), Some(high)) if low > high => b = self.steps[high].parent,
                (Some(low), _) => a = self.steps[low].parent,
                (None, Some(high)) => b = self.steps[high].parent,
                (None, None) => break,
            }
        }
        a == Some(second) || a.is_none_or(|common| !self.steps[common].side_by_side)
    }
}

/// What a shutdown of all below `root` would do.
pub(crate) fn plan(root: &Arc<Family>, deadline: Duration) -> ShutdownPlan {
    let rows = preorder(root).iter().map(row).collect();
    decide(root.env.name.to_string(), rows, deadline)
}

fn row(place: &Place) -> Row {
    let cell: &dyn AnyCell = &*place.cell;
    let policy = cell.policy();
    let has_children = cell.core().family().is_some_and(|family| family.len() > 0);
    let bound = match (policy.stop_limit, policy.stop_limit(has_children)) {
        (_, Some(limit)) => Bound::After(limit),
        (Limit::Unlimited, None) => Bound::Unlimited,
        (_, None) => Bound::Children,
    };
    Row {
        path: cell.path(),
        parent: place.parent,
        bound,
        hook_limit: policy.hook_limit(),
        side_by_side: policy.children == Children::SideBySide,
    }
}

/// What is known of one actor. A table of them has parents before their children, and siblings in start order.
struct Row {
    path: ActorPath,
    parent: Option<usize>,
    bound: Bound,
    hook_limit: Option<Duration>,
    side_by_side: bool,
}

/// What bounds the time of one actor.
#[derive(Clone, Copy)]
enum Bound {
    /// Its own limit.
    After(Duration),
    /// The limits of its children.
    Children,
    /// Nothing.
    Unlimited,
}

/// Makes a plan of a table.
fn decide(system: String, rows: Vec<Row>, deadline: Duration) -> ShutdownPlan {
    // Read backwards, the table is in stop order: children before their parents, the last started first.
    let last = rows.len().saturating_sub(1);
    let bounds: Vec<Bound> = rows.iter().rev().map(|row| row.bound).collect();
    let mut steps: Vec<PlanStep> = rows
        .into_iter()
        .rev()
        .map(|row| PlanStep {
            path: row.path,
            group: 0,
            parent: row.parent.map(|parent| last - parent),
            side_by_side: row.side_by_side,
            limit: if let Bound::After(limit) = row.bound { Some(limit) } else { None },
            hook_limit: row.hook_limit,
            worst_case: None,
        })
        .collect();
    let (below, worst_case) = sum_up(&mut steps, &bounds);
    number(&mut steps);
    let warnings = warn(&steps, &bounds, &below, worst_case, deadline);
    ShutdownPlan { system, steps, worst_case, deadline, warnings }
}

/// Fills in the worst cases, upward; returns how long the children of each may take, and how long the whole.
fn sum_up(steps: &mut [PlanStep], bounds: &[Bound]) -> (Vec<Option<Duration>>, Option<Duration>) {
    let mut below = vec![Some(Duration::ZERO); steps.len()];
    let mut whole = Some(Duration::ZERO);
    for place in 0..steps.len() {
        let own = match bounds[place] {
            Bound::After(limit) => Some(limit),
            Bound::Children => below[place],
            Bound::Unlimited => None,
        };
        steps[place].worst_case = own;
        let (sum, side_by_side) = match steps[place].parent {
            Some(parent) => (&mut below[parent], steps[parent].side_by_side),
            None => (&mut whole, false),
        };
        *sum = match (*sum, own) {
            (Some(sum), Some(own)) if side_by_side => Some(sum.max(own)),
            (Some(sum), Some(own)) => Some(sum.saturating_add(own)),
            _ => None,
        };
    }
    (below, whole)
}

/// Numbers the turns: upward how many turns each needs with all below it, then downward when they are.
fn number(steps: &mut [PlanStep]) {
    let mut turns = vec![1; steps.len()];
    let mut all = 0;
    for place in 0..steps.len() {
        let own = turns[place];
        match steps[place].parent {
            // One turn of these is the parent's own.
            Some(parent) if steps[parent].side_by_side => turns[parent] = turns[parent].max(own + 1),
            Some(parent) => turns[parent] += own,
            None => all += own,
        }
    }
    // By when the next child of each that is met has to be done: downward, the last to stop is met first.
    let mut free = vec![0; steps.len()];
    for place in (0..steps.len()).rev() {
        let group = match steps[place].parent {
            Some(parent) if steps[parent].side_by_side => steps[parent].group - turns[parent] + turns[place],
            parent => {
                let free = parent.map_or(&mut all, |parent| &mut free[parent]);
                let group = *free;
                *free -= turns[place];
                group
            }
        };
        steps[place].group = group;
        free[place] = group - 1;
    }
}

fn warn(steps: &[PlanStep], bounds: &[Bound], below: &[Option<Duration>], worst_case: Option<Duration>, deadline: Duration) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(over) = worst_case.and_then(|worst| worst.checked_sub(deadline)).filter(|over| !over.is_zero()) {
        let worst = human(worst_case.unwrap_or_default());
        warnings.push(format!("the limits add up to {worst}, {} over the deadline of {}", human(over), human(deadline)));
    }

    // For each the nearest above it that has a limit: downward, parents are met first.
    let mut above: Vec<Option<usize>> = vec![None; steps.len()];
    let (mut unlimited, mut exceeding, mut crowded) = (Vec::new(), Vec::new(), Vec::new());
    let mut has_exceeding = vec![false; steps.len()];
    for place in (0..steps.len()).rev() {
        above[place] = steps[place].parent.and_then(|parent| steps[parent].limit.map(|_| parent).or(above[parent]));
        let limiter = above[place].and_then(|above| steps[above].limit.map(|limit| (above, limit)));
        match (bounds[place], limiter) {
            (Bound::Unlimited, _) => unlimited.push((place, limiter)),
            (Bound::After(own), Some((above, limit))) if own > limit => {
                has_exceeding[above] = true;
                exceeding.push((place, own, above, limit));
            }
            _ => {}
        }
    }
    for place in (0..steps.len()).rev() {
        if let (Some(limit), Some(sum)) = (steps[place].limit, below[place]) {
            if sum > limit && !has_exceeding[place] {
                crowded.push((place, sum, limit));
            }
        }
    }

    let name = |place: usize| shorten(&steps[place].path, 60);
    let bounded_by = |limiter: Option<(usize, Duration)>| match limiter {
        Some((above, limit)) => format!("the limit of {}, {}, ends it", name(above), human(limit)),
        None => "the deadline ends it".to_owned(),
    };
    some(&mut warnings, &unlimited, "unlimited actors", |&(place, limiter)| {
        format!("{} has no limit: only {}", name(place), bounded_by(limiter))
    });
    some(&mut warnings, &exceeding, "limits of that kind", |&(place, own, above, limit)| {
        format!("{} may take {}, but {} above it only {}", name(place), human(own), name(above), human(limit))
    });
    some(&mut warnings, &crowded, "actors of that kind", |&(place, sum, limit)| {
        format!("the limits below {} add up to {}, over its own of {}", name(place), human(sum), human(limit))
    });
    warnings
}

/// Gives warnings of one sort, up to a number.
fn some<T>(warnings: &mut Vec<String>, found: &[T], what: &str, say: impl Fn(&T) -> String) {
    warnings.extend(found.iter().take(WARNINGS).map(say));
    if found.len() > WARNINGS {
        warnings.push(format!("... and {} more {what}", found.len() - WARNINGS));
    }
}

impl fmt::Display for ShutdownPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worst_case = self.worst_case.map_or_else(|| "any time".to_owned(), human);
        let actors = counted(self.steps.len(), "actor", "actors");
        write!(f, "{}: {actors} may take {worst_case} to stop, the deadline is {}", self.system, human(self.deadline))?;
        let hidden = if self.steps.len() > SHOWN { SHOWN / 2..self.steps.len() - SHOWN / 2 } else { 0..0 };
        let width = self.steps.iter().map(|step| step.group).max().unwrap_or(0).to_string().len();
        for (place, step) in self.steps.iter().enumerate() {
            if place == hidden.start && !hidden.is_empty() {
                write!(f, "\n  ... and {} more", hidden.len())?;
            }
            if !hidden.contains(&place) {
                write!(f, "\n  {:>width$}. {}  {step}", step.group, shorten(&step.path, 60))?;
            }
        }
        for warning in &self.warnings {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}

/// What bounds the step: `at most 5 s`.
impl fmt::Display for PlanStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.limit, self.worst_case) {
            (Some(limit), _) => write!(f, "at most {}", human(limit)),
            (None, Some(worst)) => write!(f, "with its children, {}", human(worst)),
            (None, None) => f.write_str("any time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::path::Node;
    use crate::lifecycle::policy::Policy;
    use crate::system::text::tests::named;
    use crate::system::tree::tests::{grow, root};

    const DEADLINE: Duration = Duration::from_secs(25);

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn after(limit: u64) -> Bound {
        Bound::After(secs(limit))
    }

    /// Name, the number of the parent, what bounds it. A name with a `|` has its children side by side.
    type Actors = [(&'static str, Option<usize>, Bound)];

    fn table(actors: &Actors) -> ShutdownPlan {
        let root = Node::root();
        let mut rows: Vec<Row> = Vec::new();
        let mut nodes: Vec<Arc<Node>> = Vec::new();
        for &(name, parent, bound) in actors {
            let path = named(parent.map_or(&root, |parent| &nodes[parent]), name.trim_end_matches('|'));
            nodes.push(path.node());
            rows.push(Row { path, parent, bound, hook_limit: Some(secs(5)), side_by_side: name.ends_with('|') });
        }
        decide("demo".to_owned(), rows, DEADLINE)
    }

    #[test]
    fn worst_cases_follow_from_the_limits() {
        use Bound::{Children, Unlimited};
        let cases: [(&str, &Actors, Option<u64>); 9] = [
            ("nobody", &[], Some(0)),
            ("a leaf", &[("a", None, after(5))], Some(5)),
            ("the top in order", &[("a", None, after(5)), ("b", None, after(3))], Some(8)),
            ("children in order", &[("p", None, Children), ("a", Some(0), after(5)), ("b", Some(0), after(3))], Some(8)),
            ("children side by side", &[("p|", None, Children), ("a", Some(0), after(5)), ("b", Some(0), after(3))], Some(5)),
            ("a limited parent", &[("p", None, after(4)), ("a", Some(0), after(5)), ("b", Some(0), Unlimited)], Some(4)),
            ("a parent with time to spare", &[("p", None, after(9)), ("a", Some(0), after(5))], Some(9)),
            ("an unlimited leaf", &[("p", None, Children), ("a", Some(0), after(5)), ("b", Some(0), Unlimited)], None),
            ("an unlimited parent", &[("p", None, Unlimited), ("a", Some(0), after(5))], None),
        ];
        for (name, actors, worst) in cases {
            assert_eq!(table(actors).worst_case, worst.map(secs), "{name}");
        }
    }

    #[test]
    fn children_stop_before_their_parents_and_the_last_started_first() {
        let plan = table(&[
            ("db", None, after(5)),
            ("web|", None, Bound::Children),
            ("s1", Some(1), after(1)),
            ("s2", Some(1), Bound::Children),
            ("job", Some(3), after(1)),
            ("log", None, after(1)),
        ]);
        assert_eq!(plan.order(), ["/log", "/web/s2/job", "/web/s2", "/web/s1", "/web", "/db"]);
        assert_eq!(plan.steps.iter().map(|step| step.group).collect::<Vec<_>>(), [1, 2, 3, 2, 4, 5]);
        let cases = [
            ("/log", "/db", true),
            ("/db", "/log", false),
            ("/web/s2/job", "/web", true),
            ("/web", "/web/s1", false),
            ("/web/s2", "/web/s1", false),
            ("/web/s2/job", "/web/s1", false),
            ("/web/s1", "/db", true),
            ("/web/s2/job", "/db", true),
            ("/log", "/web/s2/job", true),
            ("/db", "/db", false),
            ("/db", "/none", false),
        ];
        for (first, second, expected) in cases {
            assert_eq!(plan.stops_before(first, second), expected, "{first} {second}");
        }
    }

    #[test]
    fn what_does_not_fit_is_warned_of() {
        use Bound::{Children, Unlimited};
        let cases: [(&Actors, &[&str]); 8] = [
            (&[("a", None, after(10)), ("b", None, after(15))], &[]),
            (&[("a", None, after(20)), ("b", None, after(20))], &["the limits add up to 40 s, 15 s over the deadline of 25 s"]),
            (&[("a", None, Unlimited)], &["/a has no limit: only the deadline ends it"]),
            (
                &[("p", None, after(9)), ("q", Some(0), Children), ("a", Some(1), Unlimited)],
                &["/p/q/a has no limit: only the limit of /p, 9 s, ends it"],
            ),
            (
                &[("p", None, after(3)), ("q", Some(0), Children), ("a", Some(1), after(5))],
                &["/p/q/a may take 5 s, but /p above it only 3 s"],
            ),
            (
                &[("p", None, after(6)), ("a", Some(0), after(5)), ("b", Some(0), after(5))],
                &["the limits below /p add up to 10 s, over its own of 6 s"],
            ),
            (&[("p|", None, after(6)), ("a", Some(0), after(5)), ("b", Some(0), after(5))], &[]),
            // What fits exactly fits.
            (&[("p", None, after(5)), ("a", Some(0), after(5))], &[]),
        ];
        for (actors, warnings) in cases {
            assert_eq!(table(actors).warnings, warnings);
        }
    }

    #[test]
    fn a_plan_is_shown_as_a_numbered_list() {
        let plan = table(&[
            ("db", None, after(30)),
            ("web|", None, Bound::Children),
            ("s1", Some(1), after(5)),
            ("s2", Some(1), after(5)),
            ("idle", None, Bound::Unlimited),
        ]);
        let expected = "\
demo: 5 actors may take any time to stop, the deadline is 25 s
  1. /idle  any time
  2. /web/s2  at most 5 s
  2. /web/s1  at most 5 s
  3. /web  with its children, 5 s
  4. /db  at most 30 s
warning: /idle has no limit: only the deadline ends it";
        assert_eq!(plan.to_string(), expected);
    }

    #[test]
    fn many_warnings_and_steps_are_cut() {
        let actors = vec![("a", None, Bound::Unlimited); 1_000];
        let plan = table(&actors);
        assert_eq!(plan.warnings.len(), WARNINGS + 1);
        assert!(plan.to_string().contains("\n  ... and 900 more\n"));
        assert_eq!(plan.to_string().lines().count(), 1 + SHOWN + 1 + WARNINGS + 1);
    }

    #[test]
    fn as_many_as_are_shown_are_shown_without_a_rest_and_numbers_stand_below_each_other() {
        let plan = table(&[("a", None, Bound::Unlimited); WARNINGS]);
        assert_eq!(plan.warnings.len(), WARNINGS);
        assert!(plan.to_string().contains("\n   9. /a  any time\n  10. /a  any time\n"), "{plan}");
    }

    #[tokio::test]
    async fn limits_are_read_from_the_policies_of_the_living() {
        let root = root();
        let side_by_side = Policy { children: Children::SideBySide, ..Policy::DEFAULT };
        let limited = Policy { stop_limit: Limit::After(secs(7)), hook_limit: Limit::Unlimited, ..Policy::DEFAULT };
        let (_, below) = grow(&root, Some("pool"), Some(side_by_side));
        grow(&below, Some("a"), None);
        grow(&below, Some("b"), Some(limited));
        grow(&root, Some("idle"), Some(Policy { stop_limit: Limit::Unlimited, ..Policy::DEFAULT }));
        let plan = plan(&root, DEADLINE);
        let lines: Vec<String> =
            plan.steps.iter().map(|step| format!("{} {} {:?} {step}", step.group, step.path, step.hook_limit)).collect();
        let expected = [
            "1 /idle Some(5s) any time",
            "2 /pool/b None at most 7 s",
            "2 /pool/a Some(5s) at most 5 s",
            "3 /pool Some(5s) with its children, 7 s",
        ];
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn a_chain_of_ten_thousand_needs_no_deep_stack() {
        let root = root();
        let mut family = root.clone();
        for _ in 0..10_000 {
            family = grow(&family, Some("link"), None).1;
        }
        let plan = plan(&root, DEADLINE);
        assert_eq!((plan.steps.len(), plan.steps[9_999].group, plan.worst_case), (10_000, 10_000, Some(secs(5))));
        assert!(plan.stops_before("/link/link", "/link"));
        assert!(plan.to_string().len() < 20_000);
    }
}
