//! The shutdown report: how long each took, which limit it hit, and that no shape of a tree outlasts the deadline.

use std::time::Duration;

use actors_core::{
    AbortedBy, Actor, ActorReport, ActorSystem, Context, DeadReason, ExitReason, HookOutcome, LimitHit, Outcome, ShutdownReport, Trigger,
    messages,
};
use tests::tree::{Branch, Fail, Habit, Node};
use tests::{Broken, Gate, Journal, eventually, promptly};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn get<'a>(report: &'a ShutdownReport, path: &str) -> &'a ActorReport {
    report.get(path).unwrap_or_else(|| panic!("{path} is not in {report:?}"))
}

/// Shuts a system down in which nothing but these trees grow. The clock stands still but for what they wait for.
async fn fell(deadline: Duration, trees: Vec<Branch>) -> (ShutdownReport, Journal) {
    let journal = Journal::new();
    let system = ActorSystem::builder("wood").deadline(deadline).build();
    for tree in trees {
        tree.grow(&system, &journal).await;
    }
    let began = tokio::time::Instant::now();
    let report = system.shutdown().await;
    assert_eq!(began.elapsed(), report.total, "the report says how long it really took");
    assert_eq!(system.actors(), 0, "nobody is left");
    (report, journal)
}

/// Trees with something in them that does not stop.
fn shapes() -> Vec<(String, Vec<Branch>)> {
    use Habit::{CleansUp, DrainsForEver, HangsInHandler, HangsInHook, HangsInStart, HasHelper, Works};
    let mut shapes: Vec<(String, Vec<Branch>)> = Vec::new();
    for habit in [HangsInHandler, HangsInHook, HangsInStart, HasHelper, DrainsForEver, Works(secs(4)), CleansUp(secs(4))] {
        for depth in 0..=5 {
            shapes.push((format!("{habit:?} below {depth}"), vec![Branch::new("leaf", habit).under(depth)]));
            shapes.push((format!("{habit:?} unlimited below {depth}"), vec![Branch::new("leaf", habit).unlimited().under(depth)]));
        }
        let six = || (0..6).map(|number| Branch::new(format!("h{number}"), habit));
        shapes.push((format!("six at the top: {habit:?}"), six().collect()));
        shapes.push((format!("six unlimited at the top: {habit:?}"), six().map(Branch::unlimited).collect()));
        shapes.push((format!("six in order: {habit:?}"), vec![Branch::good("p").below(six())]));
        shapes.push((format!("six unlimited in order: {habit:?}"), vec![Branch::good("p").below(six().map(Branch::unlimited))]));
        shapes.push((format!("six side by side: {habit:?}"), vec![Branch::good("p").below(six()).side_by_side()]));
        let mixed = (0..6).flat_map(|number| [Branch::good(format!("g{number}")), Branch::new(format!("h{number}"), habit)]);
        shapes.push((format!("mixed side by side: {habit:?}"), vec![Branch::good("p").below(mixed.clone()).side_by_side()]));
        shapes.push((format!("mixed in order: {habit:?}"), vec![Branch::good("p").below(mixed)]));
        let level = |number: usize, below: Option<Branch>| Branch::new(format!("l{number}"), habit).below(below);
        let chain = (0..5).rev().fold(None, |below, number| Some(level(number, below))).expect("five levels");
        shapes.push((format!("all five of a chain: {habit:?}"), vec![chain]));
    }
    shapes
}

#[tokio::test(start_paused = true)]
async fn s7_4_no_shape_of_a_tree_outlasts_the_deadline() {
    for deadline in [secs(25), secs(3), secs(1)] {
        for (shape, trees) in shapes() {
            let count: usize = trees.iter().map(Branch::count).sum();
            let (report, _) = fell(deadline, trees).await;
            // Timers go by the millisecond: where there is next to no time, each of many late ones may be one late.
            let ticks = if deadline <= secs(1) { millis(count as u64) } else { Duration::ZERO };
            assert!(report.total <= deadline + ticks, "{shape} took {:?} of {deadline:?}\n{report}", report.total);
            assert_eq!(report.actors.len(), count, "everybody is reported of {shape}: {report}");
            assert_ne!(report.outcome, Outcome::Unresponsive, "{shape}: whoever awaits can be dropped\n{report}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s7_4_hooks_of_parents_have_their_time_above_whatever_hangs() {
    for habit in [Habit::HangsInHandler, Habit::HangsInHook, Habit::HangsInStart, Habit::DrainsForEver] {
        for depth in 1..=5 {
            let leaf = Branch::new("leaf", habit).unlimited();
            let tree =
                (1..=depth).rev().fold(leaf, |below, number| Branch::new(number.to_string(), Habit::CleansUp(millis(100))).below([below]));
            let (report, journal) = fell(secs(25), vec![tree]).await;
            for number in 1..=depth {
                assert_eq!(journal.count(&format!("{number} stopped")), 1, "{habit:?} below {depth}: {report}");
            }
            let parents = report.actors.iter().filter(|actor| actor.path.name() != "leaf");
            for parent in parents {
                assert_eq!((&parent.exit.reason, parent.limit), (&ExitReason::Shutdown, None), "{habit:?} below {depth}: {report}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s7_4_a_hung_child_leaves_its_siblings_their_time() {
    let slow = |number: usize| Branch::new(format!("slow{number}"), Habit::CleansUp(secs(2)));
    for hung in [Branch::new("hung", Habit::HangsInHandler), Branch::new("hung", Habit::HangsInHandler).unlimited()] {
        // The last started is the first to stop.
        let children: Vec<Branch> = (0..4).map(slow).chain([hung]).collect();
        for trees in [children.clone(), vec![Branch::good("p").below(children)]] {
            let (report, _) = fell(secs(25), trees).await;
            let cut: Vec<_> = report.actors.iter().filter(|actor| actor.limit.is_some()).map(|actor| actor.path.name()).collect();
            assert_eq!(cut, ["hung"], "{report}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s7_4_however_many_hang_before_it_a_child_has_a_tenth_of_a_second() {
    let hung = (0..10).map(|number| Branch::new(format!("hung{number}"), Habit::HangsInHandler).unlimited());
    let quick = (0..10).map(|number| Branch::new(format!("quick{number}"), Habit::CleansUp(millis(90))));
    let (report, _) = fell(secs(25), vec![Branch::good("p").below(quick.chain(hung))]).await;
    let cut = report.actors.iter().filter(|actor| actor.limit.is_some());
    assert_eq!(cut.filter(|actor| actor.path.name().starts_with("quick")).count(), 0, "{report}");
    assert_eq!(get(&report, "/p").exit.reason, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn s7_4_a_parent_without_limit_is_not_starved_by_a_hung_sibling() {
    // Neither has a limit of its own: `db` because it has a child, `hung` because it says so. `hung` stops first.
    let db = Branch::good("db").below([Branch::new("pool", Habit::CleansUp(secs(4)))]);
    let hung = Branch::new("hung", Habit::HangsInHandler).unlimited();
    let (report, _) = fell(secs(25), vec![db, hung]).await;
    assert_eq!((get(&report, "/db/pool").limit, get(&report, "/db").limit), (None, None), "{report}");
    assert_eq!(get(&report, "/hung").limit, Some(LimitHit::Stop));
}

#[tokio::test(start_paused = true)]
async fn s7_4_children_side_by_side_have_one_limit_and_a_hung_one_delays_none() {
    let children = (0..100).map(|number| match number % 10 {
        0 => Branch::new(format!("hung{number}"), Habit::HangsInHandler),
        _ => Branch::new(format!("good{number}"), Habit::CleansUp(secs(4))),
    });
    let (report, _) = fell(secs(25), vec![Branch::good("p").side_by_side().below(children)]).await;
    for actor in report.actors.iter().filter(|actor| actor.path.name() != "p") {
        assert_eq!(actor.turn, Duration::ZERO, "all turns come at once");
        let hung = actor.path.name().starts_with("hung");
        assert_eq!(actor.limit, hung.then_some(LimitHit::Stop));
        assert_eq!(actor.total, if hung { secs(5) } else { secs(4) });
    }
    assert_eq!((report.total, report.exit_code()), (secs(5), 3));
}

/// What a rung of the ladder leaves in the report.
struct Rung {
    tree: Branch,
    reason: ExitReason,
    limit: Option<LimitHit>,
    held_by: Option<&'static str>,
    hook: HookOutcome,
    total: Duration,
    code: u8,
}

#[tokio::test(start_paused = true)]
async fn s7_4_each_rung_of_the_ladder_is_in_the_report() {
    use ExitReason::{Killed, Shutdown};
    let failed = ExitReason::Panicked { message: "cleaning up".into(), location: None };
    let rung = |tree, reason, limit, held_by, hook, total, code| Rung { tree, reason, limit, held_by, hook, total, code };
    let a = |habit| Branch::new("a", habit);
    let hung = HookOutcome::TimedOut;
    let table = [
        rung(a(Habit::Stops), Shutdown, None, None, HookOutcome::Ran, secs(0), 0),
        rung(a(Habit::CleansUp(secs(4))), Shutdown, None, None, HookOutcome::Ran, secs(4), 0),
        rung(a(Habit::Works(secs(4))), Shutdown, None, None, HookOutcome::Ran, secs(4), 0),
        rung(a(Habit::HasHelper), Shutdown, None, None, HookOutcome::Ran, secs(0), 0),
        rung(a(Habit::StartsWithin(secs(4))), Shutdown, None, None, HookOutcome::Ran, secs(4), 0),
        // A leaf has five seconds unless it says otherwise.
        rung(a(Habit::HangsInHandler), Killed, Some(LimitHit::Stop), Some("Hang"), HookOutcome::Ran, secs(5), 3),
        rung(a(Habit::HangsInHandler).stop_limit(secs(1)), Killed, Some(LimitHit::Stop), Some("Hang"), HookOutcome::Ran, secs(1), 3),
        rung(a(Habit::HangsInStart).stop_limit(secs(1)), Killed, Some(LimitHit::Stop), None, HookOutcome::Skipped, secs(1), 3),
        rung(
            a(Habit::DrainsForEver).stop_limit(millis(2_500)),
            Killed,
            Some(LimitHit::Stop),
            Some("Work"),
            HookOutcome::Ran,
            millis(2_500),
            3,
        ),
        // A kill leaves a hook half a second.
        rung(a(Habit::HangsInHook).stop_limit(secs(1)), Killed, Some(LimitHit::Stop), None, hung, millis(1_500), 3),
        rung(a(Habit::HangsInHook).hook_limit(secs(2)), Shutdown, Some(LimitHit::Hook), None, hung, secs(2), 3),
        rung(a(Habit::PanicsInHook), failed, None, None, HookOutcome::Panicked, secs(0), 1),
    ];
    for expected in table {
        let shape = format!("{:?}", expected.tree);
        let (report, _) = fell(secs(25), vec![expected.tree]).await;
        let actor = get(&report, "/a");
        assert_eq!(actor.exit.reason, expected.reason, "{shape}");
        assert_eq!(
            (actor.limit, actor.held_by.as_deref(), actor.hook_outcome),
            (expected.limit, expected.held_by, expected.hook),
            "{shape}"
        );
        // What works began a moment before the shutdown did.
        assert!(actor.total <= expected.total && actor.total + millis(5) >= expected.total, "{shape}: {:?}", actor.total);
        assert_eq!(report.exit_code(), expected.code, "{shape}");
    }
}

#[tokio::test(start_paused = true)]
async fn s7_4_who_outlasts_the_kill_is_aborted_without_its_hook() {
    // Of 800 ms, half are for the stop, and half of the rest for the kill: less than the half second of a killed hook.
    let (report, journal) = fell(millis(800), vec![Branch::new("a", Habit::HangsInHook)]).await;
    let a = get(&report, "/a");
    assert_eq!(a.exit.reason, ExitReason::Aborted { by: AbortedBy::Deadline });
    assert_eq!((a.limit, a.hook_outcome, a.total), (Some(LimitHit::Kill), HookOutcome::Skipped, millis(600)));
    assert_eq!((journal.count("a stopping"), journal.count("a stopped")), (1, 0));
    assert_eq!((&report.outcome, report.exit_code()), (&Outcome::Aborted, 3));
    assert!(report.to_string().contains("ignored the kill, aborted, hook skipped"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn s7_4_limits_count_for_a_stop_from_above_only() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let slow = Branch::new("slow", Habit::Works(secs(100))).grow(&system, &journal).await;
    let began = tokio::time::Instant::now();
    slow.stop();
    assert_eq!(slow.stopped().await, ExitReason::Normal);
    assert!(began.elapsed() >= secs(99), "{:?}", began.elapsed());

    // Its children, though, are stopped by it.
    let parent = Branch::new("hung", Habit::HangsInHandler).under(1).grow(&system, &journal).await;
    let began = tokio::time::Instant::now();
    parent.stop();
    assert_eq!(parent.stopped().await, ExitReason::Normal);
    assert_eq!(began.elapsed(), secs(5));
    system.shutdown().await;
}

#[derive(Actor)]
#[actor(on_stop = "drain")]
struct Clerk;

#[messages]
impl Clerk {
    #[started]
    fn hire(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(Temp).name("temp").spawn();
    }
    #[message]
    async fn file(&mut self, seconds: u64) {
        tokio::time::sleep(secs(seconds)).await;
    }
    #[stopped]
    async fn lock_up(&mut self) {
        tokio::time::sleep(secs(4)).await;
    }
}

#[derive(Actor)]
struct Temp;

#[messages]
impl Temp {
    #[message]
    fn nod(&self) {}
    #[stopped]
    async fn leave(&mut self) {
        tokio::time::sleep(secs(3)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s7_8_an_actor_is_reported_phase_by_phase() {
    let system = ActorSystem::new("office");
    let clerk = system.actor(Clerk).name("clerk").start().await.expect("it starts");
    system.actor(Temp).name("late").start().await.expect("it starts");
    for seconds in [1, 2, 0] {
        clerk.tell(File { seconds }).await.expect("it takes messages");
    }
    eventually("the first is in hand", || clerk.queued() == 2).await;
    let report = system.shutdown().await;

    // `late` started last, so it is the first to stop; the clerk handles and files on meanwhile.
    let clerk = get(&report, "/clerk");
    assert_eq!((clerk.turn, get(&report, "/late").turn), (secs(3), secs(0)));
    assert_eq!((clerk.handler, clerk.drain, clerk.children, clerk.hook), (secs(0), secs(0), secs(3), secs(4)), "{report}");
    assert_eq!(clerk.total, secs(7));
    assert_eq!(get(&report, "/clerk/temp").turn, secs(3));
    assert_eq!(report.total, secs(10));
    assert_eq!(report.order(), ["/late", "/clerk/temp", "/clerk"]);
    let critical: Vec<_> = report.critical_path().into_iter().map(|actor| actor.path.clone()).collect();
    assert_eq!(critical, ["/clerk", "/clerk/temp"]);
    assert!(report.is_clean());
}

#[tokio::test(start_paused = true)]
async fn s7_8_handler_and_drain_are_told_apart_and_counted() {
    let system = ActorSystem::new("office");
    let clerk = system.actor(Clerk).name("clerk").stop_limit(secs(20)).start().await.expect("it starts");
    for seconds in [2, 1, 1, 1] {
        clerk.tell(File { seconds }).await.expect("it takes messages");
    }
    eventually("the first is in hand", || clerk.queued() == 3).await;
    let report = system.shutdown().await;
    let clerk = get(&report, "/clerk");
    assert!(clerk.handler > millis(1_990) && clerk.handler <= secs(2), "{:?}", clerk.handler);
    assert_eq!((clerk.drain, clerk.drained, clerk.discarded), (secs(3), 3, 0));
    assert_eq!(clerk.total, clerk.handler + clerk.drain + clerk.children + clerk.hook);
    assert_eq!((clerk.limit, clerk.held_by.as_deref(), clerk.leaked_blocking), (None, None, 0));
    assert_eq!(report.dead_letters, 0);
}

#[tokio::test(start_paused = true)]
async fn s7_8_what_a_kill_leaves_of_a_drain_is_counted_as_discarded() {
    let system = ActorSystem::new("wood");
    let mut letters = system.dead_letters();
    Branch::new("a", Habit::DrainsForEver).stop_limit(millis(2_500)).grow(&system, &Journal::new()).await;
    let report = system.shutdown().await;
    let a = get(&report, "/a");
    // One was in hand before the stop; of the rest, the one in hand at the kill counts as drained.
    assert_eq!(a.drained + a.discarded, 999);
    assert_eq!(a.drained, 2, "{report}");
    assert_eq!(report.dead_letters, a.discarded);
    assert_eq!(letters.recv().await.map(|letter| letter.reason()), Some(DeadReason::Killed));
}

#[tokio::test(start_paused = true)]
async fn s7_8_failures_before_the_shutdown_and_in_it_are_listed() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let early = Branch::good("early").grow(&system, &journal).await;
    early.tell(Fail).await.expect("it takes messages");
    assert_eq!(early.stopped().await.error().and_then(|error| error.downcast_ref()), Some(&Broken("asked to")));
    Branch::new("late", Habit::FailsInHook).grow(&system, &journal).await;

    let report = system.shutdown().await;
    let listed: Vec<_> = report.failures.iter().map(|(path, reason)| format!("{path} {reason}")).collect();
    assert_eq!(listed, ["/early failed: asked to", "/late failed: cleaning up"]);
    assert_eq!((report.failed, &report.outcome, report.exit_code()), (2, &Outcome::Failed, 1));
    assert_eq!(report.order(), ["/late"], "who had ended before is no part of the shutdown");
    assert_eq!(get(&report, "/late").hook_outcome, HookOutcome::Failed);
    let text = report.to_string();
    for line in ["wood: shutdown complete in 0 ms, 2 actors failed", "/early: failed: asked to", "exit code: 1"] {
        assert!(text.contains(line), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn s7_8_a_thousand_failures_are_remembered_and_all_are_counted() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let top = Branch::good("top").grow(&system, &journal).await;
    for _ in 0..1_050 {
        let bad = system.spawn(Faulty);
        assert!(bad.stopped().await.is_failure());
    }
    assert!(top.is_alive());
    let report = system.shutdown().await;
    assert_eq!((report.failures.len(), report.failed), (1_000, 1_050));
    assert!(report.to_string().contains("... and 1030 more"), "{report}");
}

#[derive(Actor)]
struct Faulty;

#[messages]
impl Faulty {
    #[started]
    fn begin(&mut self) -> Result<(), Broken> {
        Err(Broken("no luck"))
    }
}

#[tokio::test(start_paused = true)]
async fn s7_8_the_report_is_plain_data() {
    let trees = vec![
        Branch::good("ok").below([Branch::new("stuck", Habit::HangsInHandler).stop_limit(secs(1))]),
        Branch::new("bad", Habit::FailsInHook),
    ];
    let (report, _) = fell(secs(25), trees).await;
    let json = serde_json::to_value(&report).expect("a report can be serialised");
    assert_eq!(json["system"], "wood");
    assert_eq!(json["trigger"], "Request");
    assert_eq!(json["outcome"], "Aborted");
    assert_eq!(json["deadline"]["secs"], 25);
    assert_eq!((&json["failed"], &json["dead_letters"], &json["leaked_blocking"]), (&1.into(), &0.into(), &0.into()));
    assert_eq!(json["failures"][0], serde_json::json!(["/bad", "failed: cleaning up"]));
    let paths: Vec<_> = json["actors"].as_array().expect("a list").iter().map(|actor| actor["path"].clone()).collect();
    assert_eq!(paths, ["/bad", "/ok/stuck", "/ok"]);
    let stuck = &json["actors"][1];
    assert_eq!((&stuck["exit"]["reason"], &stuck["limit"], &stuck["held_by"]), (&"killed".into(), &"Stop".into(), &"Hang".into()));
    assert_eq!((&stuck["total"]["secs"], &stuck["hook_outcome"]), (&1.into(), &"Ran".into()));
    let mut fields: Vec<_> = stuck.as_object().expect("an object").keys().cloned().collect();
    fields.sort();
    let all = "children discarded drain drained exit handler held_by hook hook_outcome leaked_blocking limit path total turn";
    assert_eq!(fields.join(" "), all);
}

#[tokio::test(start_paused = true)]
async fn s7_8_complete_is_said_only_if_everybody_stopped() {
    let (clean, _) = fell(secs(25), vec![Branch::good("a")]).await;
    assert!(clean.to_string().starts_with("wood: shutdown complete in 0 ms (requested, deadline 25 s)"), "{clean}");
    for habit in [Habit::HangsInHandler, Habit::HangsInHook, Habit::HangsInStart, Habit::DrainsForEver] {
        let (cut, _) = fell(secs(25), vec![Branch::new("a", habit)]).await;
        assert!(!cut.to_string().contains("complete"), "{cut}");
        assert!(!cut.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn s7_8_a_failed_start_is_the_outcome_unless_something_worse_happens() {
    let system = ActorSystem::new("wood");
    Branch::good("a").grow(&system, &Journal::new()).await;
    let error = system.start(Faulty).await.expect_err("its hook fails");
    let report = system.start_failed(error).await;
    assert_eq!((&report.outcome, report.exit_code(), report.order().len()), (&Outcome::StartFailed, 2, 1));
    assert!(report.to_string().starts_with("wood: start failed"), "{report}");

    let system = ActorSystem::new("wood");
    Branch::new("a", Habit::HangsInHandler).grow(&system, &Journal::new()).await;
    let error = system.start(Faulty).await.expect_err("its hook fails");
    assert_eq!(system.start_failed(error).await.exit_code(), 3);
}

#[tokio::test(start_paused = true)]
async fn s7_8_a_kill_by_somebody_else_is_no_limit() {
    let system = ActorSystem::new("wood");
    let a = Branch::new("a", Habit::HangsInHandler).grow(&system, &Journal::new()).await;
    let gate = Gate::new();
    let killer = tokio::spawn({
        let gate = gate.clone();
        async move {
            gate.pass().await;
            a.kill();
        }
    });
    gate.reached().await;
    let (report, ()) = tokio::join!(system.shutdown(), async {
        tokio::time::sleep(secs(1)).await;
        gate.open();
    });
    promptly("the kill", killer).await.expect("it does not panic");
    let a = get(&report, "/a");
    assert_eq!((&a.exit.reason, a.limit, a.total), (&ExitReason::Killed, None, secs(1)));
}

// ===== the plan =====

/// A tree of many shapes, from a number: the same for the same number.
fn grown(seed: u64) -> Vec<Branch> {
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }
    fn branch(name: String, depth: u64, state: &mut u64) -> Branch {
        let habits = [Habit::Stops, Habit::CleansUp(millis(10)), Habit::Works(millis(20)), Habit::HasHelper];
        let habit = habits[next(state) as usize % habits.len()];
        let children = if depth == 0 { 0 } else { next(state) % 4 };
        let below: Vec<Branch> = (0..children).map(|number| branch(number.to_string(), depth - 1, state)).collect();
        Branch::new(name, habit).below(below)
    }
    let mut state = seed;
    (0..3).map(|number| branch(format!("top{number}"), 4, &mut state)).collect()
}

#[tokio::test(start_paused = true)]
async fn s7_9_the_plan_is_the_order_of_the_shutdown() {
    for seed in 0..20 {
        let system = ActorSystem::new("wood");
        let journal = Journal::new();
        for tree in grown(seed) {
            tree.grow(&system, &journal).await;
        }
        let plan = system.shutdown_plan();
        let planned: Vec<_> = plan.order().into_iter().cloned().collect();
        let groups: Vec<_> = plan.steps.iter().map(|step| step.group).collect();
        assert_eq!(groups, (1..=planned.len()).collect::<Vec<_>>(), "in order, each has a turn of its own");
        let alive = system.actors();
        let report = system.shutdown().await;
        assert_eq!(alive, planned.len(), "the plan stops nobody");
        assert_eq!(report.order(), planned.iter().collect::<Vec<_>>(), "seed {seed}");
        assert!(plan.worst_case.expect("all have limits") >= report.total);
    }
}

#[tokio::test(start_paused = true)]
async fn s7_9_the_plan_of_children_side_by_side_shares_turns() {
    let system = ActorSystem::new("wood");
    let journal = Journal::new();
    let children = (0..3).map(|number| Branch::good(number.to_string()).stop_limit(secs(7)));
    Branch::good("p").side_by_side().below(children).grow(&system, &journal).await;
    Branch::good("q").grow(&system, &journal).await;
    let plan = system.shutdown_plan();
    let steps: Vec<_> = plan.steps.iter().map(|step| format!("{} {}", step.group, step.path)).collect();
    assert_eq!(steps, ["1 /q", "2 /p/2", "2 /p/1", "2 /p/0", "3 /p"]);
    assert_eq!(plan.worst_case, Some(secs(12)));
    assert!(plan.stops_before("/q", "/p/0") && plan.stops_before("/p/1", "/p"));
    assert!(!plan.stops_before("/p/1", "/p/0") && !plan.stops_before("/p", "/p/0"));
    assert!(plan.warnings.is_empty(), "{plan}");
    assert!(serde_json::to_string(&plan).expect("a plan can be serialised").contains("\"worst_case\":{\"secs\":12"));
}

#[tokio::test(start_paused = true)]
async fn s7_9_the_plan_warns_of_limits_that_the_deadline_cuts() {
    let system = ActorSystem::builder("wood").deadline(secs(8)).build();
    let journal = Journal::new();
    Branch::good("a").grow(&system, &journal).await;
    Branch::good("b").grow(&system, &journal).await;
    Branch::good("c").unlimited().grow(&system, &journal).await;
    let plan = system.shutdown_plan();
    assert_eq!((plan.worst_case, plan.deadline), (None, secs(8)));
    assert_eq!(plan.warnings, ["/c has no limit: only the deadline ends it"]);
    system.lookup::<Node>("/c").expect("it is there").stop();
    eventually("it has gone", || system.actors() == 2).await;
    assert_eq!(system.shutdown_plan().warnings, ["the limits add up to 10 s, 2 s over the deadline of 8 s"]);
    system.shutdown().await;
    assert!(system.shutdown_plan().steps.is_empty());
}

#[tokio::test(start_paused = true)]
async fn s7_8_the_trigger_is_the_first_that_came() {
    let (report, _) = fell(secs(25), vec![Branch::good("a")]).await;
    assert_eq!((&report.trigger, report.system.as_str(), report.deadline), (&Trigger::Request, "wood", secs(25)));

    let system = ActorSystem::new("wood");
    let root = system.actor(Faulty).name("root").significant().spawn();
    let report = system.terminated().await;
    let Trigger::ActorEnded { path, reason } = &report.trigger else { panic!("{report}") };
    assert_eq!((path, reason), (&root.path(), &root.stopped().await));
    assert_eq!((&report.outcome, report.exit_code()), (&Outcome::StartFailed, 2));
}
