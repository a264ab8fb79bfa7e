//! A simulation: programs made from seeds grow trees of actors, send them traffic, let things go wrong, and shut down; then
//! all that was seen is checked against the promises of the semantics page.
//!
//! # What is simulated
//!
//! A [program](program) is data: actors (depth, width, hooks, policies, supervision, ties, habits of starting and stopping)
//! and steps (messages of all kinds, stops, drains, kills, links, shutdowns, what is published to topics, who joins groups, jobs for a pool), made
//! from one number by [`generate`]. In a third of them an actor that has nothing to do loses its task within milliseconds. It runs on one
//! thread and a clock that stands still, and gives up its turn at random at every await of an actor; so the same seed is the
//! same run, to the last entry of its journal. [`execute`] runs it, [`node`] is the actor that does what it is told, and
//! [`check`] looks at the journal, each invariant with the number of its rule. The same programs run on 1, 2 and 8 workers,
//! without anything that takes time; there nothing is repeatable, and the invariants hold all the same.
//!
//! # How to run it
//!
//! ```text
//! cargo test -p tests --test simulation                                     as CI does
//! SIM_SEED=4711 cargo test -p tests --test simulation -- --nocapture        one seed again, with its journal
//! SIM_SEED=4711 SIM_CUT='steps=1 actors=2 plain=' cargo test ...            the same, cut down as a failure printed it
//! SIM_SEEDS=1000000 cargo test --release -p tests --test simulation -- --nocapture   a million, from SIM_FROM on if it is set
//! SIM_FROM=9000 SIM_SEEDS=40000 cargo test -p tests --test simulation on_1_2         on workers, a twentieth of them: 9,000 to 10,999
//! ```

mod anyone;
mod check;
mod coverage;
mod execute;
mod generate;
mod grow;
mod journal;
mod long;
mod node;
mod pools;
mod program;
mod services;
mod shrink;
mod sources;
mod tampered;
mod world;

use std::sync::Once;

/// How many programs run in CI with paused time, and how many on workers, on each number of them.
const SEEDS: u64 = 6_000;
const SEEDS_ON_WORKERS: u64 = 300;

#[test]
fn programs_keep_every_promise() {
    hush();
    match (long::number("SIM_SEED"), long::number("SIM_SEEDS")) {
        (Some(seed), _) => long::replay(seed),
        (None, count) => long::run(long::number("SIM_FROM").unwrap_or(0), count.unwrap_or(SEEDS)),
    }
}

#[test]
fn programs_keep_every_promise_on_1_2_and_8_workers() {
    hush();
    if long::number("SIM_SEED").is_some() {
        return;
    }
    let first = long::number("SIM_FROM").unwrap_or(0);
    let count = long::number("SIM_SEEDS").map_or(SEEDS_ON_WORKERS, |seeds| seeds / 20);
    for workers in [1, 2, 8] {
        for seed in first..first + count {
            let program = generate::program(seed);
            let run = execute::on_workers(&program, workers);
            // Where the machine was so slow that somebody was given up, nothing can be said.
            let gave_up = run.report.as_ref().is_some_and(|report| report.unresponsive().next().is_some());
            let wrong = if gave_up { Vec::new() } else { check::check(&run) };
            assert!(wrong.is_empty(), "seed {seed} on {workers} workers, once:\n{}\n{}", wrong.join("\n"), long::tell(&run));
        }
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    hush();
    for seed in 0..200 {
        let program = generate::program(seed);
        let [first, second] = [0, 1].map(|_| execute::on_paused_time(&program));
        assert_eq!(long::tell(&first), long::tell(&second), "seed {seed}");
    }
}

#[test]
fn programs_get_around_to_all_that_is_checked() {
    hush();
    let mut tally = coverage::Tally::default();
    for seed in 0..3_000 {
        tally.add(&execute::on_paused_time(&generate::program(seed)));
    }
    assert_eq!(tally.lacks(2), []);
}

#[test]
fn a_failing_program_is_cut_down_and_the_cut_can_be_given_back() {
    // What "fails" is any program with a message to the last actor.
    let program = generate::program(7);
    let last = program.actors.len() - 1;
    let fails = |program: &program::Program| {
        let to_last = |step: &program::Step| matches!(step.deed, program::Deed::Send { to, .. } if to == last);
        !program.actors[last].left_out && program.steps.iter().any(to_last)
    };
    assert!(fails(&program));
    let cut = shrink::shrink(&program, 1_000, fails);
    let small = cut.of(&program);
    assert_eq!(small.steps.len(), 1, "{small:?}");
    assert!(fails(&small));
    assert_eq!(cut.to_string().parse(), Ok(cut));
}

/// Panics that are part of a program are not printed.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let simulated = panic.payload().downcast_ref::<&str>().is_some_and(|text| text.starts_with("simulated"));
            if !simulated {
                usual(panic);
            }
        }));
    });
}
