use super::*;
use crate::lifecycle::exit::{AbortedBy, Failure, StartFailure};
use crate::lifecycle::path::Node;
use crate::system::report::ReportParts;
use crate::system::report::tests::{actor, parts, reports};
use crate::system::text::tests::named;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn panicked() -> ExitReason {
    ExitReason::Panicked { message: "assertion failed\n  left: 1".into(), location: Some("src/db.rs:12:5".into()) }
}

#[test]
fn a_clean_shutdown_is_complete() {
    let chat = named(&Node::root(), "chat");
    let mut room = actor(named(&chat.node(), "room-1"), ExitReason::Shutdown, 100, 200);
    (room.handler, room.drain, room.drained) = (millis(100), millis(100), 3);
    let mut chat = actor(chat, ExitReason::Shutdown, 0, 400);
    (chat.handler, chat.children, chat.hook, chat.discarded) = (millis(100), millis(200), millis(100), 2);
    let report = ReportParts { trigger: Trigger::Signal("SIGTERM".to_owned()), ..parts(vec![room, chat]) };
    let expected = "\
chat: shutdown complete in 400 ms (SIGTERM, deadline 25 s)

  /chat/room-1  shutdown       █████▓▓▓▓▓       200 ms  drained 3
  /chat         shutdown  █████──────────░░░░░  400 ms  discarded 2
  a bar spans 400 ms  █ handler  ▓ drain  ─ children  ░ hook

critical path: /chat 400 ms > /room-1 200 ms";
    assert_eq!(ShutdownReport::new(report).to_string(), expected);
}

#[test]
fn what_did_not_stop_is_named_and_complete_is_not_said() {
    let root = Node::root();
    let mut stuck = actor(named(&root, "stuck"), ExitReason::Unresponsive, 0, 20_000);
    (stuck.limit, stuck.held_by, stuck.handler) = (Some(LimitHit::Abort), Some("Say".to_owned()), millis(20_000));
    let mut slow = actor(named(&root, "slow"), ExitReason::Killed, 20_000, 5_000);
    (slow.limit, slow.leaked_blocking, slow.hook_outcome) = (Some(LimitHit::Stop), 0, HookOutcome::Skipped);
    (slow.drained, slow.discarded, slow.held_by) = (10, 20, Some("Import".to_owned()));
    let mut report = parts(vec![stuck, slow, actor(named(&root, "db"), panicked(), 25_000, 0)]);
    report.failures = vec![(named(&root, "db"), panicked())];
    (report.failed, report.dead_letters, report.quiesce) = (3, 20, millis(500));
    let expected = "\
chat: finished with 3 failed, 1 aborted, 1 unresponsive in 25 s (requested, deadline 25 s, quiesced
500 ms)

  /stuck  unresponsive  ████████████████      20 s  ignored the abort, in `Say`
  /slow   killed                        ····   5 s
      killed at its limit, in `Import`, hook skipped, drained 10, discarded 20
  /db     panicked                         ·  0 ms
  a bar spans 25 s  █ handler

failures:
  /db: panicked at src/db.rs:12:5: assertion failed left: 1
  ... and 2 more

dead letters: 20
exit code: 4";
    assert_eq!(ShutdownReport::new(report).to_string(), expected);
}

#[test]
fn headlines() {
    let root = Node::root();
    let one = |outcome| ShutdownReport::new(ReportParts { outcome: Some(outcome), total: millis(1_500), failed: 1, ..parts(Vec::new()) });
    let cases = [
        (Outcome::Clean, "chat: shutdown complete in 1.5 s (requested, deadline 25 s)"),
        (Outcome::Failed, "chat: shutdown complete in 1.5 s, 1 actor failed (requested, deadline 25 s)"),
        (Outcome::Aborted, "chat: finished with 1 failed in 1.5 s (requested, deadline 25 s)"),
        (Outcome::Forced { signal: 2 }, "chat: cut off by SIGINT after 1.5 s (requested, deadline 25 s)"),
        (Outcome::StartFailed, "chat: start failed, stopped after 1.5 s (requested, deadline 25 s)"),
        (Outcome::WouldDeadlock { path: named(&root, "a") }, "chat: nothing was stopped: /a awaits the shutdown that would wait for it"),
    ];
    for (outcome, headline) in cases {
        assert_eq!(one(outcome).to_string().lines().next(), Some(headline));
    }
    let trigger = Trigger::ActorEnded { path: named(&root, "a"), reason: ExitReason::Aborted { by: AbortedBy::Runtime } };
    assert_eq!(trigger.to_string(), "/a ended: aborted");
}

#[test]
fn who_was_killed_within_its_time_is_counted_apart() {
    let root = Node::root();
    let mut cut = actor(named(&root, "cut"), ExitReason::Killed, 0, 1);
    cut.limit = Some(LimitHit::Kill);
    let report = ShutdownReport::new(parts(vec![actor(named(&root, "killed"), ExitReason::Killed, 0, 1), cut]));
    let headline = "chat: finished with 1 killed, 1 aborted in 1 ms (requested, deadline 25 s)";
    assert_eq!(report.to_string().lines().next(), Some(headline));
}

#[test]
fn bars_begin_with_the_first_turn_and_notes_name_what_came_next() {
    let mut late = actor(named(&Node::root(), "late"), ExitReason::Shutdown, 60_000, 100);
    late.handler = millis(100);
    late.exit.secondary = vec![panicked(), ExitReason::Killed];
    let text = ShutdownReport::new(parts(vec![late])).to_string();
    assert!(text.contains(&format!("\n  /late  shutdown  {}  100 ms  then panicked\n", "█".repeat(BAR))), "{text}");
}

#[test]
fn failures_that_are_all_shown_are_all() {
    let failures = vec![(ActorPath::root(), panicked())];
    let text = ShutdownReport::new(ReportParts { failures, failed: 1, ..parts(Vec::new()) }).to_string();
    assert!(text.contains("failures:") && !text.contains("more"), "{text}");
}

#[test]
fn among_many_are_shown_those_that_did_not_end_cleanly_in_whatever_way() {
    type Change = fn(&mut ActorReport);
    let ways: [Change; 4] = [
        |actor| actor.exit.reason = ExitReason::Killed,
        |actor| actor.leaked_blocking = 1,
        |actor| actor.limit = Some(LimitHit::Stop),
        |actor| actor.hook_outcome = HookOutcome::Failed,
    ];
    let node = named(&Node::root(), "top").node();
    for change in ways {
        let mut actors: Vec<ActorReport> =
            (0..1_000).map(|number| actor(named(&node, &number.to_string()), ExitReason::Shutdown, number, 1)).collect();
        change(&mut actors[500]);
        let text = ShutdownReport::new(parts(actors)).to_string();
        assert!(text.contains("\n  /top/500 "), "{text}");
    }
}

#[test]
fn it_is_told_how_many_of_those_that_are_not_shown_were_not_clean() {
    let node = named(&Node::root(), "top").node();
    let reason = |number| if number < 900 { ExitReason::Shutdown } else { panicked() };
    let actors = (0..1_000).map(|number| actor(named(&node, &number.to_string()), reason(number), number, 1)).collect();
    let text = ShutdownReport::new(parts(actors)).to_string();
    assert!(text.contains("\n  ... and 970 others ended, 80 of them not cleanly\n"), "{text}");
}

#[test]
fn of_many_actors_the_notable_ones_are_shown() {
    let top = named(&Node::root(), "top");
    let node = top.node();
    let mut actors: Vec<ActorReport> =
        (0..1_000).map(|number| actor(named(&node, &number.to_string()), ExitReason::Shutdown, number, 1)).collect();
    actors[17].exit.reason = panicked();
    actors[500].total = millis(70);
    let mut all = actor(top, ExitReason::Shutdown, 0, 1_000);
    all.children = millis(1_000);
    actors.push(all);
    let text = ShutdownReport::new(parts(actors)).to_string();
    for shown in ["\n  /top/17 ", "\n  /top/500 ", "\n  /top  "] {
        assert!(text.contains(shown), "{text}");
    }
    assert!(text.contains("\n  ... and 989 others ended cleanly\n"), "{text}");
    assert!(text.lines().count() < 60);
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let mut path = named(&Node::root(), &"n".repeat(70));
    let mut actors = Vec::new();
    for number in 0..100 {
        let reason = if number % 2 == 0 { ExitReason::Unresponsive } else { panicked() };
        let mut one = actor(path.clone(), reason, number * 1_000_000, 50_000_000);
        (one.limit, one.held_by, one.leaked_blocking) = (Some(LimitHit::Kill), Some("M".repeat(300)), 7);
        (one.hook_outcome, one.drained, one.discarded) = (HookOutcome::TimedOut, u64::MAX, u64::MAX);
        actors.push(one);
        path = named(&path.node(), &"é".repeat(70));
    }
    let failures = actors.iter().map(|actor| (actor.path.clone(), panicked())).collect();
    let system = "s".repeat(1_000);
    let report = ShutdownReport::new(ReportParts { system, failures, failed: 100, ..parts(actors) });
    for line in report.to_string().lines() {
        assert!(columns(line) <= COLUMNS, "{line}");
    }
}

#[test]
fn an_error_that_panics_when_displayed_does_no_harm() {
    #[derive(Debug)]
    struct Bad;
    impl std::error::Error for Bad {}
    impl fmt::Display for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    let reason = ExitReason::Failed(Failure::new(Box::new(Bad)));
    let report = ReportParts { failures: vec![(ActorPath::root(), reason)], failed: 1, ..parts(Vec::new()) };
    assert!(ShutdownReport::new(report).to_string().contains("failed: (it has no text)"));
}

#[test]
fn each_thing_worth_a_remark_has_its_own_words() {
    type Change = fn(&mut ActorReport);
    let cases: [(Change, &str); 10] = [
        (|_| (), ""),
        (|actor| actor.limit = Some(LimitHit::Hook), "hook cut at its limit"),
        (|actor| actor.limit = Some(LimitHit::Kill), "ignored the kill, aborted"),
        (|actor| actor.limit = Some(LimitHit::Abort), "ignored the abort"),
        (|actor| (actor.limit, actor.hook_outcome) = (Some(LimitHit::Hook), HookOutcome::TimedOut), "hook cut at its limit"),
        (|actor| actor.hook_outcome = HookOutcome::TimedOut, "hook timed out"),
        (|actor| actor.hook_outcome = HookOutcome::Failed, "hook failed"),
        (|actor| actor.hook_outcome = HookOutcome::Panicked, "hook panicked"),
        (|actor| actor.leaked_blocking = 1, "1 blocking job left"),
        (|actor| (actor.drained, actor.discarded) = (1, 1), "drained 1, discarded 1"),
    ];
    for (change, remark) in cases {
        let mut one = actor(named(&Node::root(), "a"), ExitReason::Shutdown, 0, 1);
        change(&mut one);
        assert_eq!(notes(&one), remark);
    }
}

#[test]
fn each_reason_has_its_own_word() {
    let (path, cause) = (named(&Node::root(), "a"), ExitReason::Killed.into());
    let started = StartFailure::Declined;
    let cases = [
        (ExitReason::Normal, "normal"),
        (ExitReason::Failed(Failure::new("no".into())), "failed"),
        (ExitReason::LinkDown { peer: path.clone(), cause }, "link down"),
        (ExitReason::StartFailed(started), "start failed"),
        (ExitReason::Escalated { child: path, restarts: 1, period: millis(1) }, "escalated"),
        (ExitReason::NoSuchActor, "no such actor"),
    ];
    for (reason, word) in cases {
        assert_eq!(kind(&reason), word);
    }
}

#[test]
fn remarks_stand_behind_a_row_that_has_just_room_for_them() {
    // 2 + 2 + 2 + 8 + 2 + 20 + 2 + 4 columns for the rest, and 2 before the remark, of 56 and then 57 letters.
    for (more, lines) in [(0, 1), (1, 2)] {
        let mut one = actor(named(&Node::root(), "a"), ExitReason::Shutdown, 0, 1);
        (one.held_by, one.drained) = (Some("M".repeat(22 + more)), 1_000_000_000_000_000_000);
        let text = ShutdownReport::new(parts(vec![one])).to_string();
        let rows = text.lines().skip(2).take_while(|line| !line.contains("a bar spans"));
        assert_eq!((text.lines().nth(2).map(columns), rows.count()), (Some(if more == 0 { COLUMNS } else { 42 }), lines), "{text}");
    }
}

#[test]
fn what_is_counted_in_all_is_told_from_one_on() {
    let mut left = actor(named(&Node::root(), "a"), ExitReason::Shutdown, 0, 1);
    left.leaked_blocking = 2;
    let text = ShutdownReport::new(ReportParts { dead_letters: 1, ..parts(vec![left.clone(), left]) }).to_string();
    assert!(text.ends_with("\n\ndead letters: 1\nblocking jobs left: 4\nexit code: 4"), "{text}");
}

#[test]
fn of_many_failures_the_first_are_shown_and_the_rest_is_counted() {
    let failures = (0..25).map(|number| (named(&Node::root(), &number.to_string()), panicked())).collect();
    let text = ShutdownReport::new(ReportParts { failures, failed: 30, ..parts(Vec::new()) }).to_string();
    assert!(text.contains("\n  /19: ") && !text.contains("\n  /20: "), "{text}");
    assert!(text.contains("\n  ... and 10 more\n"), "{text}");
    assert!(text.starts_with("chat: shutdown complete in 0 ms, 30 actors failed"), "{text}");
}

#[test]
fn who_failed_in_the_shutdown_itself_is_counted_in_the_headline() {
    let text = ShutdownReport::new(parts(vec![actor(named(&Node::root(), "a"), panicked(), 0, 1)])).to_string();
    assert!(text.starts_with("chat: shutdown complete in 1 ms, 1 actor failed"), "{text}");
}

#[test]
fn of_many_at_the_top_the_last_to_end_are_shown_and_who_was_cut_short_is() {
    let mut actors: Vec<_> =
        (0..100).map(|number| actor(named(&Node::root(), &number.to_string()), ExitReason::Shutdown, number, 1)).collect();
    actors[50].limit = Some(LimitHit::Hook);
    let text = ShutdownReport::new(parts(actors)).to_string();
    for shown in ["\n  /50 ", "\n  /99 ", "\n  /90 "] {
        assert!(text.contains(shown), "{text}");
    }
    assert!(!text.contains("\n  /89 "), "{text}");
}

#[test]
fn a_long_critical_path_loses_its_middle() {
    for (depth, links) in [
        (8, "/a 1 ms > /a 1 ms > /a 1 ms > /a 1 ms > /a 1 ms > /a 1 ms > /a 1 ms > /a 1 ms"),
        (9, "/a 1 ms > /a 1 ms > /a 1 ms > /a 1 ms > … > /a 1 ms > /a 1 ms > /a 1 ms"),
    ] {
        let mut path = ActorPath::root();
        let mut actors: Vec<_> = (0..depth)
            .map(|_| {
                path = named(&path.node(), "a");
                actor(path.clone(), ExitReason::Shutdown, 0, 1)
            })
            .collect();
        actors.reverse();
        assert_eq!(chain(&ShutdownReport::new(parts(actors)).critical_path()), links);
    }
}

#[test]
fn time_that_belongs_to_no_phase_is_marked_as_such() {
    let mut one = actor(named(&Node::root(), "a"), ExitReason::Shutdown, 0, 100);
    one.handler = millis(51);
    let text = ShutdownReport::new(parts(vec![one])).to_string();
    assert!(text.contains(&format!("  {}{}  ", "█".repeat(10), "·".repeat(10))), "{text}");
}

#[test]
fn extreme_times_do_no_harm() {
    let mut long = actor(named(&Node::root(), "long"), ExitReason::Shutdown, 0, 0);
    (long.turn, long.total, long.hook) = (Duration::MAX, Duration::MAX, Duration::MAX);
    let short = actor(named(&Node::root(), "short"), ExitReason::Shutdown, 0, 0);
    let report = ReportParts { total: Duration::MAX, ..parts(Vec::new()) };
    assert!(ShutdownReport::new(ReportParts { actors: reports(vec![long, short]), ..report }).to_string().contains("/short"));
}
