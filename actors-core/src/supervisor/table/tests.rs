//! The table against random lives of children, and a model that knows what really runs.

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];

fn settings(strategy: Strategy, restarts: u32) -> Settings {
    Settings { strategy, restarts, within: ms(1000), auto_shutdown: AutoShutdown::Never }
}

fn members(repair: &Repair) -> BTreeSet<Place> {
    [&repair.up, &repair.moving, &repair.down].into_iter().flatten().copied().collect()
}

// ===== one table, by hand =====

/// Children of these restart types, all up.
fn table(strategy: Strategy, restarts: u32, children: &[Restart], now: Instant) -> Table {
    let mut table = Table::new(settings(strategy, restarts), now);
    for (place, restart) in (1..).zip(children) {
        table.add(place, *restart, false, None, now);
        table.ready(place, now);
    }
    table
}

/// Lets all steps be carried out at once, and says which there were.
fn settle(table: &mut Table, now: Instant) -> Vec<Step> {
    let mut all = Vec::new();
    loop {
        assert!(all.len() < 50, "the table never comes to rest: {all:?}");
        let steps = table.next_steps(now);
        if steps.is_empty() {
            return all;
        }
        for step in steps {
            all.push(step);
            match step {
                Step::Bounce(place) => assert_eq!(table.down(place, now, 0.0, now), Verdict::Expected),
                Step::Retire(place) => assert_eq!(table.ended(place, Ending::Clean, false, now), Consequence::GoOn),
                Step::Start(place) => table.ready(place, now),
            }
        }
    }
}

#[test]
fn nothing_is_begun_any_more_once_one_that_has_to_be_replaced_cannot_be() {
    use Restart::Permanent;
    let now = Instant::now();
    let mut table = table(Strategy::OneForAll, 5, &[Permanent, Permanent], now);
    assert!(matches!(table.down(1, now, 0.0, now), Verdict::Restarted { nth: 1, .. }));
    assert_eq!(table.next_steps(now), [Step::Bounce(2)]);

    assert_eq!(table.ended(2, Ending::Unresponsive, false, now), Consequence::GiveUp);

    assert_eq!((table.next_steps(now), table.next_due(now)), (vec![], None));
}

#[test]
fn one_that_is_down_waits_for_those_that_are_still_to_be_stopped() {
    use Restart::Permanent;
    let now = Instant::now();
    let mut table = table(Strategy::OneForAll, 5, &[Permanent, Permanent, Permanent], now);
    assert_eq!(table.awaited_by(1), []);
    table.down(1, now, 0.0, now);
    assert_eq!([1, 2].map(|down| table.awaited_by(down)), [vec![2, 3], vec![]], "all that run are to be stopped");

    assert_eq!(table.next_steps(now), [Step::Bounce(3)]);
    assert_eq!(table.awaited_by(1), [2, 3], "one of them is being stopped");
    table.down(3, now, 0.0, now);

    assert_eq!(table.awaited_by(1), [2]);
}

#[test]
fn whom_a_failure_takes_along_and_in_which_order() {
    use Restart::{Permanent as P, Temporary as T, Transient as R};
    use Step::{Bounce, Retire, Start};
    let now = Instant::now();
    let steps = |strategy, failed| {
        let mut table = table(strategy, 1, &[P, R, T, P], now);
        assert!(matches!(table.down(failed, now, 0.0, now), Verdict::Restarted { nth: 1, .. }));
        settle(&mut table, now)
    };
    for failed in [1, 2, 4] {
        assert_eq!(steps(Strategy::OneForOne, failed), [Start(failed)]);
    }
    assert_eq!(steps(Strategy::OneForAll, 1), [Bounce(4), Retire(3), Bounce(2), Start(1), Start(2), Start(4)]);
    assert_eq!(steps(Strategy::OneForAll, 4), [Retire(3), Bounce(2), Bounce(1), Start(1), Start(2), Start(4)]);
    assert_eq!(steps(Strategy::RestForOne, 1), [Bounce(4), Retire(3), Bounce(2), Start(1), Start(2), Start(4)]);
    assert_eq!(steps(Strategy::RestForOne, 2), [Bounce(4), Retire(3), Start(2), Start(4)]);
    assert_eq!(steps(Strategy::RestForOne, 4), [Start(4)]);
}

#[test]
fn however_many_wait_side_by_side_one_more_costs_no_more_for_that() {
    let (began, now) = (std::time::Instant::now(), Instant::now());
    let mut table = Table::new(settings(Strategy::OneForOne, Policy::UNLIMITED), now);
    let backoff = Backoff::constant(ms(60_000)).no_jitter();
    for place in 1..=30_000 {
        table.add(place, Restart::Permanent, false, Some(backoff), now);
        table.ready(place, now);
        table.down(place, now, 0.0, now);
        assert_eq!((table.next_steps(now), table.next_due(now)), (Vec::new(), Some(now + ms(60_000))));
    }
    assert_eq!(table.next_steps(now + ms(60_000)).len(), 30_000);
    assert!(began.elapsed() < ms(30_000), "{:?}", began.elapsed());
}

#[test]
fn a_spec_that_does_not_run_is_started_by_a_group_and_not_once_it_is_removed() {
    let now = Instant::now();
    for removed in [false, true] {
        let mut table = table(Strategy::OneForAll, 1, &[Restart::Transient, Restart::Permanent], now);
        table.ended(1, Ending::Clean, false, now);
        table.down(2, now, 0.0, now);
        if removed {
            table.remove(1, now);
        }
        assert_eq!(settle(&mut table, now), if removed { vec![Step::Start(2)] } else { vec![Step::Start(1), Step::Start(2)] });
        assert!(table.repairs.is_empty());
    }
}

#[test]
fn who_has_given_up_begins_nothing_any_more() {
    let now = Instant::now();
    let mut table = table(Strategy::OneForAll, 0, &[Restart::Permanent; 3], now);
    assert_eq!(table.down(2, now, 0.0, now), Verdict::TooMany { restarts: 0 });
    assert_eq!((table.next_steps(now), table.next_due(now)), (vec![], None));
    assert_eq!(table.down(1, now, 0.0, now + ms(9_000)), Verdict::TooMany { restarts: 0 });
    assert_eq!(table.next_steps(now), []);
}

#[test]
fn significant_children_count_when_they_end_of_themselves() {
    let now = Instant::now();
    let two = |auto_shutdown| {
        let mut table = Table::new(Settings { auto_shutdown, ..settings(Strategy::OneForOne, 1) }, now);
        for place in [1, 2] {
            table.add(place, Restart::Transient, true, None, now);
            table.ready(place, now);
        }
        table
    };
    for ending in [Ending::Clean, Ending::Abnormal, Ending::Unresponsive] {
        let mut all = two(AutoShutdown::AllSignificant);
        assert_eq!(all.ended(1, ending, false, now), Consequence::GoOn);
        assert_eq!(all.ended(2, ending, false, now), Consequence::Shutdown);
        assert_eq!(two(AutoShutdown::AnySignificant).ended(1, ending, false, now), Consequence::Shutdown);
        assert_eq!(two(AutoShutdown::Never).ended(1, ending, false, now), Consequence::GoOn);
    }
    for ending in [Ending::Declined, Ending::NotStarted] {
        assert_eq!(two(AutoShutdown::AnySignificant).ended(1, ending, false, now), Consequence::GoOn);
    }
    let mut by_hand = two(AutoShutdown::AnySignificant);
    by_hand.terminate(1, now);
    assert_eq!(by_hand.ended(1, Ending::Clean, false, now), Consequence::GoOn);
    let mut too_late = two(AutoShutdown::AnySignificant);
    assert!(matches!(too_late.down(1, now, 0.0, now), Verdict::Restarted { .. }));
    assert_eq!(too_late.down(1, now, 0.0, now), Verdict::TooMany { restarts: 1 });
    assert_eq!(too_late.ended(2, Ending::Clean, false, now), Consequence::GoOn);
}

// ===== random lives =====

/// What a child really does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Real {
    Starting,
    Up,
    /// It was told to end, for good or not.
    Ending {
        last: bool,
    },
    Down,
    /// Its actor has ended; there may be a spec.
    Gone,
}

struct World {
    rng: fastrand::Rng,
    table: Table,
    real: BTreeMap<Place, (Restart, Real)>,
    next_place: Place,
    now: Instant,
    limit: u32,
    /// When restarts were spent, in running time.
    spent: Vec<Duration>,
    given_up: bool,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let strategy = STRATEGIES[rng.usize(..3)];
        let limit = [0, 1, 3, 20, u32::MAX][rng.usize(..5)];
        let now = Instant::now();
        let table = Table::new(settings(strategy, limit), now);
        let log = vec![format!("seed {seed}, {strategy:?}, {limit} restarts")];
        let next_place = 1;
        World { rng, table, real: BTreeMap::new(), next_place, now, limit, spent: Vec::new(), given_up: false, log }
    }

    /// Something happens, and all that follows at once.
    fn happen(&mut self) {
        let choice = self.rng.u32(..100);
        let place = self.any_place();
        match (choice, place) {
            (0..8, _) | (_, None) => self.add(),
            (8..25, _) => self.pass_time(),
            (25..31, Some(place)) => self.terminate(place),
            (31..36, Some(place)) if self.table.state(place) == Some(State::Idle) => {
                self.log.push(format!("start {place} by hand"));
                self.table.start_by_hand(place, self.now);
                self.set(place, Real::Starting);
            }
            (36..39, Some(place)) if self.table.state(place) == Some(State::Idle) => {
                self.log.push(format!("remove {place}"));
                self.table.remove(place, self.now);
                self.real.remove(&place);
            }
            (_, Some(place)) => self.live(place),
        }
        self.take_steps();
    }

    fn any_place(&mut self) -> Option<Place> {
        let places: Vec<_> = self.real.keys().copied().collect();
        (!places.is_empty()).then(|| places[self.rng.usize(..places.len())])
    }

    fn add(&mut self) {
        if self.real.len() >= 6 {
            return;
        }
        let restart = [Restart::Permanent, Restart::Transient, Restart::Temporary][self.rng.usize(..3)];
        let backoff = self.rng.bool().then(|| Backoff::exponential(ms(10), ms(500)));
        let place = self.next_place;
        self.next_place += 1;
        self.log.push(format!("add {place}, {restart:?}"));
        self.table.add(place, restart, false, backoff, self.now);
        self.real.insert(place, (restart, Real::Starting));
    }

    fn pass_time(&mut self) {
        let passed = ms(self.rng.u64(..400));
        let (before, stands) = (self.table.time.at(self.now), self.moves());
        self.now += passed;
        let ran = self.table.time.at(self.now) - before;
        assert_eq!(ran, if stands { Duration::ZERO } else { passed }, "the clock stands exactly while something is repaired or moves");
    }

    /// Whether anything is being repaired, started by hand or terminated.
    fn moves(&self) -> bool {
        let by_hand = |child: &Child| matches!(child.state, State::Starting | State::Terminating);
        !self.table.repairs.is_empty() || self.table.children.values().any(by_hand)
    }

    fn terminate(&mut self, place: Place) {
        self.log.push(format!("terminate {place}"));
        if !self.table.terminate(place, self.now) {
            assert_eq!(self.real[&place].1, Real::Gone);
            return;
        }
        match self.real[&place].1 {
            Real::Down | Real::Gone => self.ended(place, Ending::Abnormal),
            _ => self.set(place, Real::Ending { last: true }),
        }
    }

    /// A child goes on with what it does.
    fn live(&mut self, place: Place) {
        let (restart, real) = self.real[&place];
        let fails = self.rng.u32(..10) < 4;
        self.log.push(format!("{place} was {real:?}{}", if fails { " and fails" } else { "" }));
        match real {
            Real::Starting if fails && self.rng.bool() && restart == Restart::Permanent => self.ended(place, Ending::Declined),
            Real::Starting | Real::Up if fails && restart == Restart::Temporary => self.ended(place, Ending::Abnormal),
            Real::Starting | Real::Up if fails => self.down(place),
            Real::Starting => {
                self.table.ready(place, self.now);
                self.set(place, Real::Up);
            }
            Real::Up if restart == Restart::Permanent => self.down(place),
            Real::Up => self.ended(place, Ending::Clean),
            Real::Ending { last: true } => self.ended(place, Ending::Clean),
            // It was ready before it heard that it was to end.
            Real::Ending { last: false } if self.rng.u32(..8) == 0 => self.table.ready(place, self.now),
            // It had to be aborted, and its actor has gone.
            Real::Ending { last: false } if fails => {
                self.ended(place, Ending::Abnormal);
                assert_eq!(self.table.state(place), Some(State::Down), "another takes its place");
            }
            Real::Ending { last: false } => self.down(place),
            Real::Down | Real::Gone => {}
        }
    }

    fn down(&mut self, place: Place) {
        let to_be_stopped = self.table.repairs.values().any(|repair| repair.up.contains(&place));
        let expected = to_be_stopped || self.real[&place].1 == Real::Ending { last: false };
        let running = self.table.time.at(self.now);
        let verdict = self.table.down(place, self.now, 0.5, self.now);
        let recent = self.spent.iter().filter(|&&at| running - at <= ms(1000)).count() as u32;
        match verdict {
            Verdict::Expected => assert!(expected && !self.given_up, "only one that is stopped, or will be, was expected to"),
            Verdict::Restarted { .. } => {
                assert!(!expected && !self.given_up && recent < self.limit, "{recent} restarts were all there may be");
                self.spent.push(running);
            }
            Verdict::TooLate => assert!(expected && self.given_up, "it would be restarted otherwise"),
            Verdict::TooMany { restarts } => {
                assert!(self.given_up || (recent == self.limit && restarts == recent), "{recent} restarts are not too many");
                self.given_up = true;
            }
        }
        self.set(place, Real::Down);
    }

    fn ended(&mut self, place: Place, ending: Ending) {
        let (restart, _) = self.real[&place];
        self.table.ended(place, ending, false, self.now);
        if restart == Restart::Temporary {
            assert_eq!(self.table.state(place), None, "a temporary child is forgotten");
            self.real.remove(&place);
        } else {
            self.set(place, Real::Gone);
        }
    }

    fn set(&mut self, place: Place, real: Real) {
        self.real.get_mut(&place).expect("it exists").1 = real;
    }

    fn is(&self, place: Place, real: Real) -> bool {
        self.real.get(&place).is_some_and(|(_, it)| *it == real)
    }

    fn take_steps(&mut self) {
        for round in 0.. {
            assert!(round < 50, "the table never comes to rest");
            let before: Vec<_> = self.table.repairs.values().map(members).collect();
            let steps = self.table.next_steps(self.now);
            if steps.is_empty() {
                break;
            }
            assert!(!self.given_up, "who has given up begins nothing");
            for step in steps {
                self.log.push(format!("{step:?}"));
                self.check(step, &before);
                match step {
                    Step::Bounce(place) => self.set(place, Real::Ending { last: false }),
                    Step::Retire(place) => self.set(place, Real::Ending { last: true }),
                    Step::Start(place) => self.set(place, Real::Starting),
                }
            }
        }
        self.check_rest();
    }

    /// A step is possible, and its turn has come.
    fn check(&self, step: Step, repairs: &[BTreeSet<Place>]) {
        let (Step::Bounce(place) | Step::Retire(place) | Step::Start(place)) = step;
        let (restart, real) = self.real.get(&place).unwrap_or_else(|| panic!("{step:?} of a child that does not exist"));
        let mut of = repairs.iter().filter(|members| members.contains(&place));
        let members = of.next().expect("a step belongs to a repair");
        assert!(of.next().is_none(), "{place} is repaired twice at once");
        // Those that are to be stopped may have been starting when that was decided.
        let moving = |member: &&Place| match self.real[member].1 {
            Real::Starting => matches!(step, Step::Start(_)),
            real => matches!(real, Real::Ending { .. }),
        };
        assert_eq!(members.iter().find(moving), None, "one at a time");
        if let Step::Start(_) = step {
            assert!(matches!(real, Real::Down | Real::Gone), "{place} is started while it is {real:?}");
            assert_eq!(members.first(), Some(&place), "in order");
            assert!(members.iter().all(|member| !self.is(*member, Real::Up)), "all have to be down before one comes up");
        } else {
            assert!(matches!(real, Real::Up | Real::Starting), "{place} is {real:?}");
            assert!(members.range(place + 1..).all(|later| !self.is(*later, Real::Up)), "in reverse order");
            assert_eq!(matches!(step, Step::Retire(_)), *restart == Restart::Temporary, "temporary ones are ended for good");
        }
    }

    /// What holds whenever nothing is left to be done at once.
    fn check_rest(&self) {
        for (place, (_, real)) in &self.real {
            let state = self.table.state(*place).expect("who exists stands in the table");
            let fits = match state {
                State::Starting | State::Restarting => *real == Real::Starting,
                State::Up => *real == Real::Up,
                State::Bouncing => matches!(real, Real::Ending { .. }),
                State::Terminating => *real == Real::Ending { last: true },
                State::Down => matches!(real, Real::Down | Real::Gone),
                State::Idle => *real == Real::Gone,
            };
            assert!(fits, "{place} is {real:?}, and the table says {state:?}");
        }
        assert_eq!(self.table.children.len(), self.real.len());
        for repair in self.table.repairs.values() {
            let moving = |place: &Place| matches!(self.real[place].1, Real::Starting | Real::Ending { .. });
            let due = repair.not_before > self.now && self.table.next_due(self.now).is_some();
            assert!(self.given_up || due || members(repair).iter().any(moving), "a repair waits for nothing: {repair:?}");
        }
    }

    /// From now on everything goes well: everything that is begun comes to its end.
    fn recover(&mut self) {
        for _ in 0..1_000 {
            let moving = self.real.iter().find(|(_, (_, real))| matches!(real, Real::Starting | Real::Ending { .. }));
            match moving.map(|(&place, (_, real))| (place, *real)) {
                Some((place, Real::Starting)) => {
                    self.table.ready(place, self.now);
                    self.set(place, Real::Up);
                }
                Some((place, Real::Ending { last: true })) => self.ended(place, Ending::Clean),
                Some((place, _)) => self.down(place),
                None => match self.table.next_due(self.now) {
                    Some(due) => self.now = due,
                    None => break,
                },
            }
            self.take_steps();
        }
        if !self.given_up {
            assert!(self.table.repairs.is_empty(), "every repair ends: {:?}", self.table.repairs);
            assert!(self.real.values().all(|(_, real)| matches!(real, Real::Up | Real::Gone)), "{:?}", self.real);
        }
    }
}

#[test]
fn whatever_children_do_the_table_keeps_its_rules() {
    for seed in 0..5_000 {
        let mut world = World::new(seed);
        let log = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // Short lives first: what goes wrong is then easier to read.
            for _ in 0..5 + seed / 50 {
                world.happen();
            }
            world.recover();
        }));
        if log.is_err() {
            panic!("{}", world.log.join("\n"));
        }
    }
}

// ===== what comes at the same time =====

#[test]
fn a_group_does_not_wait_for_one_that_is_just_being_started_by_hand() {
    let now = Instant::now();
    let mut table = table(Strategy::OneForAll, 1, &[Restart::Permanent], now);
    table.add(2, Restart::Permanent, false, None, now);

    assert!(matches!(table.down(1, now, 0.0, now), Verdict::Restarted { along: 0, .. }));

    assert_eq!(table.next_steps(now), [Step::Start(1)]);
    table.ready(2, now);
    assert_eq!(table.next_steps(now), [], "one at a time");
    table.ready(1, now);
    assert_eq!(settle(&mut table, now), [Step::Bounce(2), Step::Start(2)], "it had begun with the old one");
    assert!(table.repairs.is_empty());
}

#[test]
fn who_was_being_started_when_one_before_it_failed_is_started_again() {
    let now = Instant::now();
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut table = table(strategy, 9, &[Restart::Permanent; 2], now);
        table.down(2, now, 0.0, now);
        if strategy == Strategy::OneForAll {
            assert_eq!(table.next_steps(now), [Step::Bounce(1)]);
            table.down(1, now, 0.0, now);
            assert_eq!(table.next_steps(now), [Step::Start(1)]);
            table.ready(1, now);
        }
        assert_eq!(table.next_steps(now), [Step::Start(2)]);

        assert!(matches!(table.down(1, now, 0.0, now), Verdict::Restarted { along: 1, .. }));

        assert_eq!(settle(&mut table, now), [Step::Bounce(2), Step::Start(1), Step::Start(2)], "{strategy:?}");
    }
}

#[test]
fn one_that_is_ready_before_its_turn_to_be_stopped_is_stopped_all_the_same() {
    let now = Instant::now();
    let mut table = table(Strategy::RestForOne, 9, &[Restart::Permanent; 2], now);
    table.down(2, now, 0.0, now);
    assert_eq!(table.next_steps(now), [Step::Start(2)]);
    table.add(3, Restart::Temporary, false, None, now);
    table.ready(3, now);
    table.down(1, now, 0.0, now);
    assert_eq!(table.next_steps(now), [Step::Retire(3)]);

    table.ready(2, now);

    table.ended(3, Ending::Clean, false, now);
    assert_eq!(settle(&mut table, now), [Step::Bounce(2), Step::Start(1), Step::Start(2)]);
}

#[test]
fn a_group_waits_for_one_of_it_that_somebody_stops_by_hand_meanwhile() {
    let now = Instant::now();
    // It is being stopped already, or would be later.
    for (terminated, then) in [(3, vec![Step::Bounce(2)]), (2, vec![])] {
        let mut table = table(Strategy::OneForAll, 5, &[Restart::Permanent; 3], now);
        table.down(1, now, 0.0, now);
        assert_eq!(table.next_steps(now), [Step::Bounce(3)]);

        assert!(table.terminate(terminated, now));

        if terminated == 2 {
            assert_eq!(table.down(3, now, 0.0, now), Verdict::Expected);
        }
        assert_eq!(table.next_steps(now), [], "{terminated} is still there");
        assert!(table.awaited_by(1).contains(&terminated));
        table.ended(terminated, Ending::Clean, false, now);
        let starts = (1..=3).filter(|place| *place != terminated).map(Step::Start);
        assert_eq!(settle(&mut table, now), then.into_iter().chain(starts).collect::<Vec<_>>());
        assert_eq!(table.state(terminated), Some(State::Idle));
    }
}

#[test]
fn a_group_does_not_wait_for_one_of_it_that_somebody_starts_by_hand_meanwhile() {
    let now = Instant::now();
    let mut table = table(Strategy::OneForAll, 1, &[Restart::Transient, Restart::Permanent], now);
    table.ended(1, Ending::Clean, false, now);
    table.down(2, now, 0.0, now);

    table.start_by_hand(1, now);

    assert_eq!(table.next_steps(now), [Step::Start(2)]);
}

#[test]
fn one_that_fails_while_it_is_terminated_is_no_restart() {
    let now = Instant::now();
    let mut table = table(Strategy::OneForOne, 0, &[Restart::Permanent], now);
    assert!(table.terminate(1, now));

    assert_eq!(table.down(1, now, 0.0, now), Verdict::Expected);

    assert_eq!((table.next_steps(now), table.state(1)), (Vec::new(), Some(State::Terminating)));
}

#[test]
fn a_bystander_that_fails_before_its_turn_to_be_stopped_is_no_second_restart() {
    let now = Instant::now();
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut table = table(strategy, 1, &[Restart::Permanent; 3], now);
        assert!(matches!(table.down(1, now, 0.0, now), Verdict::Restarted { along: 2, .. }));
        assert_eq!(table.next_steps(now), [Step::Bounce(3)]);

        assert_eq!(table.down(2, now, 0.0, now), Verdict::Expected, "{strategy:?}");

        assert_eq!(table.down(3, now, 0.0, now), Verdict::Expected);
        assert_eq!(settle(&mut table, now), [1, 2, 3].map(Step::Start));
        assert!(matches!(table.down(2, now, 0.0, now), Verdict::TooMany { .. }), "it runs again, and counts");
    }
}

#[test]
fn one_that_is_stopped_while_its_supervisor_gives_up_does_not_wait_for_a_restart() {
    let now = Instant::now();
    let mut table = table(Strategy::OneForAll, 1, &[Restart::Permanent; 3], now);
    table.down(1, now, 0.0, now);
    assert_eq!(table.next_steps(now), [Step::Bounce(3)]);
    table.add(4, Restart::Permanent, false, None, now);
    assert_eq!(table.down(4, now, 0.0, now), Verdict::TooMany { restarts: 1 });

    for place in [3, 2] {
        assert_eq!(table.down(place, now, 0.0, now), Verdict::TooLate);
    }
}

#[test]
fn a_group_waits_as_long_as_the_one_that_waits_longest() {
    let now = Instant::now();
    let mut table = Table::new(settings(Strategy::OneForAll, 9), now);
    for (place, wait) in [(1, ms(500)), (2, ms(100))] {
        table.add(place, Restart::Permanent, false, Some(Backoff::constant(wait).no_jitter()), now);
        table.ready(place, now);
    }
    table.down(1, now, 0.0, now);
    table.down(2, now, 0.0, now);

    assert_eq!((table.next_steps(now), table.next_due(now)), (Vec::new(), Some(now + ms(500))));
}

#[test]
fn a_permanent_child_that_may_still_run_somewhere_cannot_be_replaced() {
    use Restart::{Permanent, Temporary, Transient};
    let now = Instant::now();
    for (restart, follows) in [(Permanent, Consequence::GiveUp), (Transient, Consequence::GoOn), (Temporary, Consequence::GoOn)] {
        let mut table = table(Strategy::OneForAll, 9, &[restart, Permanent], now);
        table.down(2, now, 0.0, now);
        assert_eq!(table.next_steps(now).len(), 1);
        assert_eq!(table.ended(1, Ending::Unresponsive, false, now), follows, "{restart:?}");
    }
    // Whoever else has ended it has ended it for good.
    let mut table = table(Strategy::OneForAll, 9, &[Permanent], now);
    assert_eq!(table.ended(1, Ending::Unresponsive, false, now), Consequence::GoOn);
}
