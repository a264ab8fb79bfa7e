//! In which order those who wait are taken out, who is called for them, and which runners stay.

use std::task::Context;

use super::runner::SLEEPERS;
use super::*;

/// One who waits for a turn, and says its name in it.
struct Player {
    queue: Arc<RunQueue>,
    name: &'static str,
    said: Arc<Mutex<Vec<&'static str>>>,
}

impl TakesTurns for Player {
    fn run_queue(&self) -> &Arc<RunQueue> {
        &self.queue
    }
    fn depth(&self) -> u32 {
        0
    }
    fn take_turn(self: Arc<Self>) {
        lock(&self.said).push(self.name);
    }
    fn start_task(self: Arc<Self>) {}
}

/// A queue that nobody looks into but the test.
struct Table {
    queue: Arc<RunQueue>,
    said: Arc<Mutex<Vec<&'static str>>>,
}

impl Table {
    fn new() -> Self {
        Table { queue: RunQueue::new(Handle::current(), Duration::from_secs(1)), said: Arc::default() }
    }

    fn player(&self, name: &'static str) -> Item {
        Arc::new(Player { queue: self.queue.clone(), name, said: self.said.clone() })
    }

    /// Those who wait in a lane, each with its depth; the next of them last.
    fn lane(&self, waiting: &[(u32, &'static str)]) -> Lane {
        Lane { next: waiting.iter().map(|(depth, name)| (*depth, self.player(name))).collect(), before: None }
    }

    /// What those say who have their turns, in this order.
    fn heard(&self, turns: impl IntoIterator<Item = Item>) -> Vec<&'static str> {
        turns.into_iter().for_each(TakesTurns::take_turn);
        std::mem::take(&mut *lock(&self.said))
    }

    /// A runner that was called, by any thread.
    fn runner(&self) -> Runner {
        let (_, number) = lock(&self.queue.inner).call_new(State::Free);
        Runner::new(self.queue.clone(), number)
    }
}

/// All who wait in a lane, in the order in which they are favoured.
fn drain(lane: &mut Lane) -> impl Iterator<Item = Item> {
    std::iter::from_fn(|| lane.next.pop_back()).map(|(_, item)| item)
}

fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Who waits in a lane, how many of them from before the turn, and in which order they come.
type Case = (&'static [(u32, &'static str)], usize, &'static [&'static str]);

#[tokio::test]
async fn those_of_a_turn_come_in_its_order_and_after_all_who_stand_deeper() {
    let table = Table::new();
    let cases: [Case; 5] = [
        (&[(1, "old"), (1, "a"), (1, "b"), (1, "c")], 1, &["a", "b", "c", "old"]),
        (&[(1, "old"), (1, "second"), (1, "first"), (0, "parent")], 3, &["first", "second", "old", "parent"]),
        (&[(0, "old"), (2, "deeper"), (1, "a"), (1, "b")], 2, &["deeper", "a", "b", "old"]),
        (&[(2, "deeper"), (1, "old"), (1, "a"), (0, "parent")], 2, &["a", "old", "deeper", "parent"]),
        (&[(1, "a"), (1, "b")], 0, &["a", "b"]),
    ];
    for (waiting, before, expected) in cases {
        let mut lane = table.lane(waiting);
        lane.before = Some(before);

        lane.end_turn();

        assert_eq!(table.heard(drain(&mut lane)), expected, "{waiting:?}");
        assert_eq!(lane.before, None);
    }
}

#[tokio::test]
async fn not_more_are_passed_than_are_looked_at() {
    let table = Table::new();
    let mut lane = table.lane(&[(1, "child"); SIBLINGS + 8]);
    lane.next.push_back((0, table.player("parent")));
    lane.before = Some(SIBLINGS + 8);

    lane.end_turn();

    assert_eq!(table.heard(drain(&mut lane)).iter().position(|name| *name == "parent"), Some(SIBLINGS));
}

#[tokio::test]
async fn whoever_is_helped_in_a_turn_is_not_one_of_those_of_the_turn() {
    let table = Table::new();
    let mut lane = table.lane(&[(0, "first"), (0, "second"), (0, "a"), (0, "b")]);
    lane.before = Some(2);

    let helped = lane.take_first();
    lane.end_turn();

    assert_eq!(table.heard(helped), ["first"]);
    assert_eq!(table.heard(drain(&mut lane)), ["a", "b", "second"]);
}

#[tokio::test]
async fn nobody_is_favoured_for_ever() {
    let table = Table::new();
    let mut inner = Inner { lanes: vec![table.lane(&[(0, "own"); 40])], waiting: 41, ..Inner::default() };
    inner.ready.push_back(table.player("other"));

    let mut favours = 0;
    let first: Vec<_> = std::iter::from_fn(|| inner.take(0, &mut favours)).take(FAVOURS as usize + 2).collect();

    let mut expected = vec!["own"; FAVOURS as usize];
    expected.extend(["other", "own"]);
    assert_eq!(table.heard(first), expected);
    assert_eq!(favours, 1, "from then on its own are favoured again");
}

#[tokio::test]
async fn those_from_outside_come_first_but_those_of_other_runners_have_their_share_each_in_turn() {
    let table = Table::new();
    let lanes = vec![Lane::default(), table.lane(&[(0, "a"); 3]), table.lane(&[(0, "b"); 3])];
    let ready = (0..20).map(|_| table.player("-")).collect();
    let mut inner = Inner { lanes, ready, waiting: 26, ..Inner::default() };

    let taken: Vec<_> = (0..16).filter_map(|_| inner.take(0, &mut FAVOURS.clone())).collect();

    assert_eq!(table.heard(taken).concat(), "---a---b---a---a");
}

#[tokio::test]
async fn who_has_waited_longest_in_its_own_lane_comes_before_those_of_others() {
    let table = Table::new();
    let lanes = vec![table.lane(&[(0, "x"), (0, "y")]), table.lane(&[(0, "a")])];
    let mut inner = Inner { lanes, waiting: 3, ..Inner::default() };

    let taken: Vec<_> = (0..3).filter_map(|_| inner.take(0, &mut FAVOURS.clone())).collect();

    assert_eq!(table.heard(taken), ["x", "y", "a"]);
}

#[tokio::test]
async fn only_so_many_runners_sleep_and_others_go() {
    let table = Table::new();
    let mut runners: Vec<_> = (0..=SLEEPERS).map(|_| table.runner()).collect();
    let lanes: Vec<_> = runners.iter_mut().map(|runner| runner.begin().expect("it was called")).collect();
    assert_eq!((lanes, table.queue.is_awake()), ((0..=SLEEPERS).collect(), true));

    let gone: Vec<_> = runners.iter_mut().enumerate().map(|(lane, runner)| runner.end(lane, &mut nobody()).is_ready()).collect();

    assert_eq!(gone, [false, false, false, false, true]);
    assert!(!table.queue.is_awake());
}

#[tokio::test]
async fn a_lane_that_a_runner_has_left_is_the_next_ones() {
    let table = Table::new();
    let (mut first, mut second) = (table.runner(), table.runner());
    let lane = first.begin().expect("it was called");
    assert!(first.end(lane, &mut nobody()).is_pending());

    assert_eq!(second.begin(), Some(lane));
    assert!(second.end(lane, &mut nobody()).is_pending());
}

#[tokio::test]
async fn those_who_sleep_are_called_before_a_new_one_is_made() {
    let mut inner = Inner { last: 7, ..Inner::default() };
    inner.runners.push(Known { number: 3, state: State::Asleep(Waker::noop().clone()) });
    inner.runners.push(Known { number: 4, state: State::Drowsy });

    let calls = [(); 3].map(|()| inner.call_one(State::Bound(1)));

    assert!(matches!(calls, [(Call::Wake(_), 3), (Call::Nobody, 4), (Call::Spawn(8), 8)]));
    assert_eq!((inner.asleep(), inner.bound(1)), (0, Some(3)));
    assert!(matches!(inner.known(4).state, State::Free), "it comes by any thread, whoever has called it");
}

#[tokio::test]
async fn a_second_one_who_is_handed_in_by_a_task_sets_the_bound_runner_free_by_a_new_one() {
    let task = tokio::spawn(async {
        let thread = thread_of_task().expect("this is a task");
        let mut inner = Inner { last: 7, waiting: 2, ..Inner::default() };
        inner.runners.push(Known { number: 3, state: State::Bound(thread) });
        inner.runners.push(Known { number: 4, state: State::Asleep(Waker::noop().clone()) });

        let call = inner.call(true);

        assert!(matches!(call, Call::Spawn(8)), "one that is about to fall asleep on another thread would not take its place");
        assert!(matches!(inner.known(3).state, State::Free));
        assert_eq!((inner.bound(thread), inner.asleep()), (Some(8), 1));
    });
    task.await.expect("it does not panic");
}

#[tokio::test(start_paused = true)]
async fn a_runner_goes_if_it_sleeps_when_its_time_is_up() {
    for works in [false, true] {
        let table = Table::new();
        let mut runner = table.runner();
        let lane = runner.begin().expect("it was called");
        assert!(runner.end(lane, &mut nobody()).is_pending());
        assert!(runner.sleep(&nobody()).is_pending());
        tokio::time::advance(Duration::from_millis(999)).await;
        assert!(matches!(lock(&table.queue.inner).known(runner.number).state, State::Asleep(_)));
        let lane = works.then(|| {
            assert_eq!(lock(&table.queue.inner).call_one(State::Free).1, runner.number);
            runner.begin().expect("it was called")
        });

        tokio::time::advance(Duration::from_millis(2)).await;

        if let Some(lane) = lane {
            assert!(runner.end(lane, &mut nobody()).is_pending());
        }
        assert_eq!(runner.sleep(&nobody()).is_pending(), works);
        assert_eq!((runner.gone, lock(&table.queue.inner).runners.len()), (!works, usize::from(works)));
        assert_eq!(runner.has_time(), works, "its time is set anew");
    }
}
