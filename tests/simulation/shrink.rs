//! Cuts a failing program down to what it takes to fail.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::program::Program;

/// What is left out of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Steps that are not done.
    steps: BTreeSet<usize>,
    /// Actors that are not made.
    actors: BTreeSet<usize>,
    /// Actors that lose all peculiarities.
    plain: BTreeSet<usize>,
}

impl Cut {
    /// The program without what is cut.
    pub fn of(&self, program: &Program) -> Program {
        let mut program = program.clone();
        for &slot in &self.plain {
            program.actors[slot] = program.actors[slot].plain();
        }
        for &slot in &self.actors {
            program.leave_out(slot);
        }
        let mut place = 0..;
        program.steps.retain(|_| !self.steps.contains(&place.next().expect("there is no end")));
        program
    }

    fn with(&self, more: &Cut) -> Cut {
        let both = |a: &BTreeSet<usize>, b: &BTreeSet<usize>| a | b;
        Cut { steps: both(&self.steps, &more.steps), actors: both(&self.actors, &more.actors), plain: both(&self.plain, &more.plain) }
    }
}

/// Finds a cut with which `fails` still says yes, in so many runs at most.
pub fn shrink(program: &Program, mut runs: usize, mut fails: impl FnMut(&Program) -> bool) -> Cut {
    let mut cut = Cut::default();
    let mut attempt = |cut: &mut Cut, more: Cut| {
        if runs == 0 {
            return false;
        }
        runs -= 1;
        let further = cut.with(&more);
        let holds = further != *cut && fails(&further.of(program));
        if holds {
            *cut = further;
        }
        holds
    };
    let steps = program.steps.len();
    let mut size = steps;
    while size > 0 {
        for first in (0..steps).step_by(size) {
            attempt(&mut cut, Cut { steps: (first..(first + size).min(steps)).collect(), ..Cut::default() });
        }
        size /= 2;
    }
    for slot in (0..program.actors.len()).rev() {
        attempt(&mut cut, Cut { actors: BTreeSet::from([slot]), ..Cut::default() });
    }
    for slot in 0..program.actors.len() {
        attempt(&mut cut, Cut { plain: BTreeSet::from([slot]), ..Cut::default() });
    }
    for step in 0..steps {
        attempt(&mut cut, Cut { steps: BTreeSet::from([step]), ..Cut::default() });
    }
    cut
}

/// As it is given back to a later run: `steps=1,2 actors=3 plain=0,1`.
impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |numbers: &BTreeSet<usize>| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        write!(f, "steps={} actors={} plain={}", list(&self.steps), list(&self.actors), list(&self.plain))
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut cut = Cut::default();
        for part in text.split_whitespace() {
            let (what, numbers) = part.split_once('=').ok_or_else(|| format!("`{part}` is not of the form `steps=1,2`"))?;
            let numbers: Result<BTreeSet<usize>, _> = numbers.split(',').filter(|number| !number.is_empty()).map(str::parse).collect();
            let numbers = numbers.map_err(|error| format!("`{part}`: {error}"))?;
            match what {
                "steps" => cut.steps = numbers,
                "actors" => cut.actors = numbers,
                "plain" => cut.plain = numbers,
                _ => return Err(format!("`{what}` is none of `steps`, `actors`, `plain`")),
            }
        }
        Ok(cut)
    }
}
