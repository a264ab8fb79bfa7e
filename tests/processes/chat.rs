//! The chat example: what it promises its clients, kept whatever happens to them and to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use tests::eventually;

use crate::client::{Account, Client, Heard};
use crate::process::{Ended, Process};

const CLIENTS: usize = 1000;
const MEMBERS: usize = 20;

/// Starts the server on a free port, and returns it with its address.
async fn serve(args: &[&str]) -> (Process, String) {
    let process = Process::start("chat", &[&["--addr", "127.0.0.1:0"], args].concat());
    process.stdout.has("listening on http://", 1).await;
    let line = process.stdout.so_far();
    let address = line.trim().trim_start_matches("listening on http://").to_owned();
    (process, address)
}

async fn terminate(process: Process) -> Ended {
    process.signal("TERM");
    process.ended().await
}

/// Which acknowledged messages did not reach which member of the room.
fn lost(members: &[Account]) -> Vec<String> {
    let mut lost = Vec::new();
    for speaker in members {
        for listener in members {
            let heard = listener.heard.get(&speaker.name).map_or(&[][..], Vec::as_slice);
            let missing = speaker.acknowledged.iter().filter(|number| !heard.contains(number));
            lost.extend(missing.map(|number| format!("{number} of {} at {}", speaker.name, listener.name)));
        }
    }
    lost
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_was_acknowledged_is_delivered_when_a_signal_comes_while_a_thousand_talk() {
    let (server, address) = serve(&[]).await;
    let enter = |number: usize| {
        let (address, room, name) = (address.clone(), format!("room-{}", number / MEMBERS), format!("client-{number}"));
        async move { Client::enter(&address, &room, &name).await }
    };
    let clients: Vec<Client> = stream::iter(0..CLIENTS).map(enter).buffered(32).collect().await;
    let progress = Arc::new(AtomicU64::new(0));
    let talking: Vec<_> = clients.into_iter().map(|client| tokio::spawn(client.count_up(progress.clone()))).collect();
    eventually("everybody is talking", || progress.load(Ordering::Relaxed) >= 2 * CLIENTS as u64).await;

    let ended = terminate(server).await;

    let accounts: Vec<Account> = join_all(talking).await.into_iter().map(|account| account.expect("no client panics")).collect();
    for room in accounts.chunks(MEMBERS) {
        assert_eq!(lost(room), Vec::<String>::new());
    }
    for account in &accounts {
        assert_eq!(account.goodbye.as_ref().map(|(code, _)| *code), Some(1001), "the goodbye of {}", account.name);
    }
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.after < Duration::from_secs(25), "within the deadline: {:?}", ended.after);
    let place = |path: &str| ended.stderr.find(&format!("\n  {path} ")).unwrap_or_else(|| panic!("{path} in {}", ended.stderr));
    assert!(ended.stderr.contains("shutdown complete in"), "{}", ended.stderr);
    assert!(place("/listener") < place("/rooms") && place("/rooms") < place("/sessions"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_session_that_hangs_is_killed_at_its_limit_and_the_rest_stops_cleanly() {
    let (server, address) = serve(&["--misbehave", "--deadline", "4"]).await;
    let mut ann = Client::enter(&address, "lobby", "ann").await;
    let bob = Client::enter(&address, "lobby", "bob").await;
    ann.send("/hang").await;
    server.stderr.has("hangs", 1).await;

    server.signal("TERM");
    let (ann, bob) = tokio::join!(ann.until_goodbye(), bob.until_goodbye());
    let ended = server.ended().await;

    assert_eq!((ann.map(|(code, _)| code), bob.map(|(code, _)| code)), (Some(1001), Some(1001)));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let culprits: Vec<_> = ended.stderr.lines().filter(|line| line.contains("killed at its limit, in `Misdeed`")).collect();
    assert_eq!(culprits.len(), 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains("unresponsive"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_server_whose_workers_are_all_blocked_still_ends_in_time_and_names_the_culprits() {
    let (server, address) = serve(&["--misbehave", "--workers", "2", "--deadline", "2"]).await;
    let mut ann = Client::enter(&address, "lobby", "ann").await;
    ann.send("/block").await;
    server.stderr.has("blocks its thread", 2).await;

    let ended = terminate(server).await;

    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.after < Duration::from_secs(10), "{:?}", ended.after);
    assert_eq!(ended.stderr.matches("in `Block`").count(), 2, "{}", ended.stderr);
    assert!(!ended.stderr.contains("complete"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_third_signal_ends_the_process_at_once() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let (mut server, address) = serve(&["--misbehave", "--workers", "2"]).await;
        let mut ann = Client::enter(&address, "lobby", "ann").await;
        ann.send("/block").await;
        server.stderr.has("blocks its thread", 2).await;

        // Two that come close together may be one to the process; the third that it gets is the last.
        while !server.has_ended() {
            server.signal(signal);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }

        assert_eq!(server.ended().await.code, Some(code), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_cut_off_and_costs_neither_the_room_nor_memory() {
    const LINES: u64 = 4000;
    let text = "x".repeat(12 * 1024);
    let (server, address) = serve(&[]).await;
    let mut ann = Client::enter(&address, "lobby", "ann").await;
    let slow = Client::enter_narrow(&address, "lobby", "slow").await;
    let before = server.peak_memory();

    let mut slow_left_after = None;
    for id in 1..=LINES {
        ann.say(id, &text).await;
        loop {
            let event = ann.next_event().await;
            match event["type"].as_str() {
                Some("ack") => break,
                Some("left") => slow_left_after = Some(id),
                _ => {}
            }
        }
    }
    let after = server.peak_memory();

    assert!(slow_left_after.is_some(), "nobody was cut off in {LINES} lines");
    // All lines together are 48 MB. A full queue is 1,024 of them, 12 MB.
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after - before < 32 * 1024 * 1024, "{before} bytes before, {after} after; cut off after {slow_left_after:?}");
    }
    drop(slow);
    let (ended, _) = tokio::join!(terminate(server), ann.until_goodbye());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_client_that_falls_silent_leaves_its_room_once() {
    let (server, address) = serve(&["--ping", "0.2"]).await;
    let mut ann = Client::enter(&address, "lobby", "ann").await;
    let silent = Client::enter(&address, "lobby", "silent").await;

    assert_eq!(ann.until("left").await["name"], "silent");
    ann.say(1, "who is here?").await;
    assert_eq!(ann.next_event().await["type"], "line");
    assert_eq!(ann.next_event().await["type"], "ack");

    drop(silent);
    let (ended, rest) = tokio::join!(terminate(server), async {
        let mut rest = Vec::new();
        while let Heard::Event(event) = ann.next().await {
            rest.push(event);
        }
        rest
    });
    assert!(rest.is_empty(), "{rest:?}");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn the_demo_loses_nothing() {
    let ended = Process::start("chat", &["--demo", "1", "--clients", "60"]).ended().await;

    let figure = |of: &str| {
        let line = ended.stdout.lines().find_map(|line| line.trim().strip_prefix(of));
        line.and_then(|rest| rest.split_whitespace().next()).and_then(|figure| figure.parse::<u64>().ok())
    };
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert_eq!((figure("lost"), figure("goodbyes")), (Some(0), Some(60)), "{}", ended.stdout);
    assert!(figure("delivered") > figure("sent"), "{}", ended.stdout);
    assert!(ended.stderr.contains("shutdown complete in"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_failed_start() {
    let (first, address) = serve(&[]).await;

    let second = Process::start("chat", &["--addr", &address]).ended().await;

    assert_eq!(second.code, Some(2), "{}", second.stderr);
    assert!(second.stderr.contains("/listener"), "{}", second.stderr);
    assert_eq!(terminate(first).await.code, Some(0));
}
