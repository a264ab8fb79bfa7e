//! Turns: whoever is handed in gets one, once, as long as one worker is free to give it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::unseen;

use loom::thread;
use models::Model;

use crate::kit::explore_between;
use crate::players::{Count, Game, LINGER, Player};
use crate::sync::wake;

pub(crate) const MODELS: &[Model] = &[
    ("who_is_handed_in_as_the_runner_lies_down_gets_a_turn", || lying_down(1)),
    ("who_is_handed_in_as_the_runner_lies_down_gets_a_turn_on_two_workers", || lying_down(2)),
    ("of_two_who_are_handed_in_at_once_each_gets_one_turn", || two_at_once(1)),
    ("of_two_who_are_handed_in_at_once_each_gets_one_turn_on_two_workers", || two_at_once(2)),
    ("who_is_handed_in_again_from_its_own_turn_and_from_outside_gets_each_of_its_turns", again),
    ("whom_a_turn_gives_something_to_do_is_helped_or_gets_its_turn_after_it", given),
    ("a_turn_that_blocks_does_not_hold_up_who_was_handed_in_before_it", blocked_before),
    ("a_turn_that_blocks_does_not_hold_up_who_is_handed_in_during_it", blocked_during),
    ("a_turn_that_blocks_does_not_hold_up_who_was_handed_in_by_the_turn_before_it", blocked_lane),
    ("a_turn_that_hands_in_two_and_blocks_holds_up_the_last_alone", blocked_after_gifts),
    ("a_turn_that_blocks_does_not_hold_up_who_was_handed_in_by_the_same_task", blocked_after_a_task),
    ("a_turn_that_blocks_does_not_hold_up_a_task_that_was_woken_in_the_turn_before_it", blocked_after_a_wake),
    (
        "a_turn_that_blocks_does_not_hold_up_a_task_that_was_woken_before_one_was_handed_in_on_another_runtime",
        blocked_after_a_wake_and_a_call_elsewhere,
    ),
    ("a_turn_that_wakes_a_task_hands_in_one_and_blocks_holds_up_the_last_alone", blocked_after_a_wake_and_a_gift),
    ("a_task_that_blocks_does_not_hold_up_who_is_handed_in_from_outside", blocked_task),
    ("a_task_that_blocks_does_not_hold_up_who_is_handed_in_by_another_task", blocked_beside_a_task),
    ("a_task_that_hands_in_two_and_blocks_holds_up_the_last_alone", blocked_after_two),
    ("a_runner_that_is_woken_by_its_time_and_held_up_holds_up_nobody", held_up),
    ("a_runner_that_goes_when_its_time_is_up_leaves_nobody_behind", gone_in_time),
    ("who_is_handed_in_while_the_queue_is_closed_gets_a_turn_or_a_task", closed),
    ("who_waits_for_a_turn_when_the_runtime_goes_gets_a_task", runtime_gone),
];

/// Waits for one turn of each, and asserts that there was none but that.
fn assert_one_turn<const N: usize>(game: Game, players: [&Arc<Player>; N]) {
    players.iter().for_each(|player| player.turns.wait_for(1));
    loom::stop_exploring();
    game.end();
    assert_eq!(players.map(|player| (player.turns.get(), player.tasks.get())), [(1, 0); N]);
}

fn lying_down(workers: usize) -> u64 {
    explore_between(move || {
        let game = Game::new(workers);
        let players = [game.player(), game.player()];
        for player in &players {
            player.call();
            player.turns.wait_for(1);
        }
        assert_one_turn(game, players.each_ref());
    })
}

fn two_at_once(workers: usize) -> u64 {
    explore_between(move || {
        let game = Game::new(workers);
        let (here, there) = (game.player(), game.player());
        let calling = there.clone();
        let pusher = thread::spawn(move || calling.call());
        here.call();
        pusher.join().expect("it goes well");
        assert_one_turn(game, [&here, &there]);
    })
}

fn again() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let player = game.player_who(|player| {
            if player.turns.get() == 1 {
                player.call();
            }
        });
        player.call();
        player.turns.wait_for(2);
        player.call();
        player.turns.wait_for(3);
        loom::stop_exploring();
        game.end();
        assert_eq!((player.turns.get(), player.tasks.get()), (3, 0));
    })
}

fn given() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let given = [game.player(), game.player()];
        let gifts = given.clone();
        let giver = game.player_who(move |_| gifts.iter().for_each(Player::call));
        giver.call();
        assert_one_turn(game, [&giver, &given[0], &given[1]]);
    })
}

/// One whose turn lasts until another has had one.
fn waits_for(game: &Game, other: &Arc<Player>) -> Arc<Player> {
    let other = other.clone();
    game.player_who(move |_| other.turns.wait_for(1))
}

fn blocked_before() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let other = game.player();
        let blocked = waits_for(&game, &other);
        blocked.call();
        other.call();
        assert_one_turn(game, [&blocked, &other]);
    })
}

fn blocked_during() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let other = game.player();
        let blocked = waits_for(&game, &other);
        blocked.call();
        blocked.turns.wait_for(1);
        other.call();
        assert_one_turn(game, [&blocked, &other]);
    })
}

fn blocked_lane() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let last = game.player();
        let blocked = waits_for(&game, &last);
        let gifts = [blocked.clone(), last.clone()];
        let giver = game.player_who(move |_| gifts.iter().for_each(Player::call));
        giver.call();
        assert_one_turn(game, [&giver, &blocked, &last]);
    })
}

fn blocked_after_gifts() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let gifts = [game.player(), game.player()];
        let given = gifts.clone();
        let giver = game.player_who(move |_| {
            given.iter().for_each(Player::call);
            given[0].turns.wait_for(1);
        });
        giver.call();
        assert_one_turn(game, [&giver, &gifts[0], &gifts[1]]);
    })
}

fn blocked_after_a_task() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let other = game.player();
        let blocked = waits_for(&game, &other);
        let both = [blocked.clone(), other.clone()];
        game.spawn(move || both.iter().for_each(Player::call));
        assert_one_turn(game, [&blocked, &other]);
    })
}

/// A task that waits until it is woken: what wakes it, and how often it has been done.
fn waiting_task(game: &Game) -> (impl Fn() + Send + Sync + 'static, Arc<Count>) {
    let (ready, polled, done) = (Arc::new(Count::new()), Arc::new(Count::new()), Arc::new(Count::new()));
    let waker = Arc::new(unseen::Mutex::new(None));
    let (stands, is_ready, was_polled, is_done) = (waker.clone(), ready.clone(), polled.clone(), done.clone());
    game.runtime().handle().spawn(async move {
        poll_fn(|cx| {
            if is_ready.get() > 0 {
                return Poll::Ready(());
            }
            *stands.lock().expect("nothing panics here") = Some(cx.waker().clone());
            was_polled.add();
            Poll::Pending
        })
        .await;
        is_done.add();
    });
    polled.wait_for(1);
    let wakes = move || {
        ready.add();
        waker.lock().expect("nothing panics here").take().into_iter().for_each(wake);
    };
    (wakes, done)
}

fn blocked_after_a_wake() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let (wakes, done) = waiting_task(&game);
        let waiting = done.clone();
        let blocked = game.player_who(move |_| waiting.wait_for(1));
        let next = blocked.clone();
        let waking = game.player_who(move |_| {
            next.call();
            wakes();
        });
        waking.call();
        done.wait_for(1);
        assert_one_turn(game, [&waking, &blocked]);
    })
}

fn blocked_after_a_wake_and_a_call_elsewhere() -> u64 {
    explore_between(|| {
        let elsewhere = Game::new(1);
        loom::stop_exploring();
        let game = Game::new(2);
        let (wakes, done) = waiting_task(&game);
        let (waiting, other) = (done.clone(), elsewhere.player());
        let blocked = game.player_who(move |_| waiting.wait_for(1));
        let (next, called) = (blocked.clone(), other.clone());
        let waking = game.player_who(move |_| {
            next.call();
            wakes();
            called.call();
        });
        waking.call();
        done.wait_for(1);
        other.turns.wait_for(1);
        assert_one_turn(game, [&waking, &blocked]);
        elsewhere.end();
    })
}

fn blocked_after_a_wake_and_a_gift() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let (wakes, done) = waiting_task(&game);
        let (gifts, waiting) = ([game.player(), game.player()], done.clone());
        let [before, after] = gifts.clone();
        let giver = game.player_who(move |_| {
            before.call();
            wakes();
            after.call();
            waiting.wait_for(1);
        });
        giver.call();
        done.wait_for(1);
        assert_one_turn(game, [&giver, &gifts[0], &gifts[1]]);
    })
}

fn blocked_task() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let (first, other) = (game.player(), game.player());
        let (calling, waiting) = (first.clone(), other.clone());
        game.spawn(move || {
            calling.call();
            waiting.turns.wait_for(1);
        });
        other.call();
        assert_one_turn(game, [&first, &other]);
    })
}

fn blocked_beside_a_task() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let (helped, first, other) = (game.player(), game.player(), game.player());
        let (calling, waiting, beside) = (first.clone(), other.clone(), other.clone());
        helped.call();
        game.spawn(move || {
            calling.call();
            waiting.turns.wait_for(1);
        });
        game.spawn(move || beside.call());
        assert_one_turn(game, [&helped, &first, &other]);
    })
}

fn blocked_after_two() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let (before, first, last) = (game.player(), game.player(), game.player());
        let both = [first.clone(), last.clone()];
        // Its runner may be about to fall asleep.
        before.call();
        before.turns.wait_for(1);
        game.spawn(move || {
            both.iter().for_each(Player::call);
            both[0].turns.wait_for(1);
        });
        assert_one_turn(game, [&before, &first, &last]);
    })
}

fn held_up() -> u64 {
    explore_between(|| {
        let game = Game::new(2);
        let (first, other) = (game.player(), game.player());
        first.call();
        first.turns.wait_for(1);
        let (runtime, waiting) = (game.runtime().handle().clone(), other.clone());
        game.spawn(move || {
            tokio::time::advance(LINGER);
            runtime.look_at_the_clock();
            waiting.turns.wait_for(1);
        });
        other.call();
        assert_one_turn(game, [&first, &other]);
    })
}

fn gone_in_time() -> u64 {
    explore_between(|| {
        let game = Game::new(1);
        let (first, other) = (game.player(), game.player());
        first.call();
        first.turns.wait_for(1);
        let runtime = game.runtime().handle().clone();
        game.spawn(move || {
            tokio::time::advance(LINGER);
            runtime.look_at_the_clock();
        });
        other.call();
        assert_one_turn(game, [&first, &other]);
    })
}

fn closed() -> u64 {
    explore_between(|| {
        let game = Game::new(1);
        let (gift, there) = (game.player(), game.player());
        let (given, calling) = (gift.clone(), there.clone());
        let here = game.player_who(move |_| given.call());
        let pusher = thread::spawn(move || calling.call());
        here.call();
        game.queue.close();
        let late = game.player();
        late.call();
        assert_eq!(late.tasks.get(), 1, "it is closed");
        pusher.join().expect("it goes well");
        game.end();
        let times = |player: &Player| player.turns.get() + player.tasks.get();
        assert_eq!([times(&here), times(&there), times(&gift)], [1, 1, here.turns.get()]);
    })
}

fn runtime_gone() -> u64 {
    explore_between(|| {
        let game = Game::new(1);
        let (before, after) = (game.player(), game.player());
        before.call();
        let calling = after.clone();
        let pusher = thread::spawn(move || calling.call());
        game.end();
        pusher.join().expect("it goes well");
        for player in [before, after] {
            assert_eq!(player.turns.get() + player.tasks.get(), 1);
        }
    })
}
