//! Names: taken, refused, freed.
//!
//! REG-4 and REG-5, which speak of supervised children, are tested with restarts and with the managing of children. A name
//! is unique among siblings (S2.6), so that an outsider cannot hold the name of a child.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, BoxError, Context, ExitReason, Exited, StartFailure, messages};
use tests::{Broken, Gate, Journal, on_1_2_and_8_workers, promptly};

use crate::cast::{Explode, Fail, Heard, Peer, Ping, Witness, settle, within};

// ===== REG-1 =====

#[tokio::test(start_paused = true)]
async fn reg_1_a_taken_name_is_refused_with_a_reference_to_its_holder() {
    let system = ActorSystem::new("registry");
    let first = system.actor(Peer).name("db").start().await.unwrap();

    let error = system.actor(Peer).name("db").start().await.unwrap_err();

    assert!(error.is_name_taken());
    assert_eq!(error.failure(), &StartFailure::NameTaken(first.path()));
    assert_eq!(error.holder::<Peer>(), Some(first.clone()));
    assert!(error.holder::<Witness>().is_none(), "the holder is of another type");
    assert_eq!(system.lookup::<Peer>("/db"), Some(first));
}

#[tokio::test(start_paused = true)]
async fn reg_1_a_refused_actor_leaves_no_trace() {
    let system = ActorSystem::new("registry");
    let journal = Journal::new();
    let first = system.actor(Peer).name("db").start().await.unwrap();

    let refused = system.actor(Kept { _note: journal.drop_note("dropped") }).name("db").spawn();

    assert_eq!(journal.entries(), ["dropped"], "its state goes at once");
    assert!(!refused.is_alive());
    assert!(matches!(refused.stopped().await, ExitReason::StartFailed(StartFailure::NameTaken(_))));
    assert!(refused.try_tell(Look).unwrap_err().is_not_running());
    assert_eq!((system.actors(), system.tree().len()), (1, 1));
    let report = system.shutdown().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.actors.iter().map(|actor| actor.path.clone()).collect::<Vec<_>>(), [first.path()]);
}

#[derive(Actor)]
struct Kept {
    _note: tests::DropNote,
}

#[messages]
impl Kept {
    #[started]
    fn started(&mut self) {}

    #[message]
    fn look(&self) {}
}

#[tokio::test(start_paused = true)]
async fn reg_1_the_end_of_a_refused_actor_does_not_free_the_name() {
    let system = ActorSystem::new("registry");
    let first = system.actor(Peer).name("db").start().await.unwrap();
    for _ in 0..3 {
        let refused = system.actor(Peer).name("db").spawn();
        refused.kill();
        refused.stop();
        refused.stopped().await;
    }

    assert_eq!(system.lookup::<Peer>("/db"), Some(first));
    assert!(system.actor(Peer).name("db").start().await.unwrap_err().is_name_taken());
}

#[tokio::test(start_paused = true)]
async fn s2_6_a_name_is_unique_among_siblings_only() {
    let system = ActorSystem::new("registry");
    let (app, web) = (system.actor(Peer).name("app").spawn(), system.actor(Peer).name("web").spawn());
    let db = |parent: ActorRef<Peer>| async move { within(&parent, |ctx| ctx.actor(Peer).name("db").spawn()).await };

    let (of_app, of_web, top) = (db(app).await, db(web).await, system.actor(Peer).name("db").spawn());

    assert_eq!(system.lookup::<Peer>("/app/db"), Some(of_app));
    assert_eq!(system.lookup::<Peer>("/web/db"), Some(of_web));
    assert_eq!(system.lookup::<Peer>("/db"), Some(top));
}

#[tokio::test(start_paused = true)]
async fn s2_5_two_systems_do_not_share_names() {
    let (one, two) = (ActorSystem::new("registry"), ActorSystem::new("registry"));

    let first = one.actor(Peer).name("db").start().await.unwrap();
    let second = two.actor(Peer).name("db").start().await.unwrap();
    first.kill();
    first.stopped().await;

    assert_eq!(one.lookup::<Peer>("/db"), None);
    assert_eq!(two.lookup::<Peer>("/db"), Some(second));
}

#[tokio::test(start_paused = true)]
async fn s2_6_what_is_not_a_name_is_refused() {
    let system = ActorSystem::new("registry");
    for name in ["", "a/b", "/", "db#1", "line\nbreak", "\0"] {
        let error = system.actor(Peer).name(name).start().await.unwrap_err();
        assert!(matches!(error.failure(), StartFailure::InvalidName { .. }), "{name:?}: {error}");
    }
    for name in [" ", "..", "ünï-✓", "a b"] {
        let actor = system.actor(Peer).name(name).start().await.unwrap();
        assert_eq!(system.lookup::<Peer>(&format!("/{name}")), Some(actor));
    }
    assert_eq!(system.actors(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_finds_no_actor_of_another_type_and_none_by_half_a_path() {
    let system = ActorSystem::new("registry");
    let app = system.actor(Peer).name("app").start().await.unwrap();
    let anonymous = system.spawn(Peer);

    assert!(system.lookup::<Witness>("/app").is_none());
    for path in ["", "app", "/", "//app", "/app/", "/app/db", "/ap", "/Witness#2"] {
        assert!(system.lookup::<Peer>(path).is_none(), "{path:?}");
    }
    assert_eq!(system.lookup::<Peer>("/app"), Some(app));
    assert_eq!(system.lookup::<Peer>(&anonymous.path().to_string()), Some(anonymous));
}

// ===== REG-2 =====

/// Asserts that nobody has the name, and that it can be taken.
async fn is_free(system: &ActorSystem, name: &str) {
    assert!(system.lookup::<Peer>(&format!("/{name}")).is_none());
    let next = system.actor(Peer).name(name).start().await.expect("the name is free");
    assert_eq!(system.lookup::<Peer>(&format!("/{name}")), Some(next.clone()));
    next.stop();
    next.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn reg_2_a_name_is_free_after_every_kind_of_end() {
    let system = ActorSystem::new("registry");
    type Way = fn(&ActorRef<Peer>);
    let ways: [(&str, Way); 5] = [
        ("stop", |peer| peer.stop()),
        ("drain", |peer| peer.drain()),
        ("kill", |peer| peer.kill()),
        ("error", |peer| peer.try_tell(Fail { error: Broken("on purpose") }).unwrap()),
        ("panic", |peer| peer.try_tell(Explode).unwrap()),
    ];
    for (way, end) in ways {
        let peer = system.actor(Peer).name("db").start().await.unwrap_or_else(|error| panic!("before {way}: {error}"));
        end(&peer);
        peer.stopped().await;
        is_free(&system, "db").await;
    }
}

#[tokio::test(start_paused = true)]
async fn reg_2_dropping_the_last_reference_frees_no_name() {
    // The tree owns lifetimes (S2.1): the actor lives, and its name with it.
    let system = ActorSystem::new("registry");
    drop(system.actor(Peer).name("db").start().await.unwrap());
    settle().await;

    let found = system.lookup::<Peer>("/db").expect("it is still there");
    found.ask(Ping).await.unwrap();
    found.stop();
    found.stopped().await;

    is_free(&system, "db").await;
}

/// What a start hook does wrong.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Fails,
    Panics,
    Declines,
    Hangs,
}

#[derive(Actor)]
struct Unstartable(Wrong);

#[messages]
impl Unstartable {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let _child = ctx.actor(Peer).name("child").spawn();
        match self.0 {
            Wrong::Fails => return Err(Broken("no").into()),
            Wrong::Panics => panic!("no"),
            Wrong::Declines => ctx.decline(),
            Wrong::Hangs => std::future::pending().await,
        }
        Ok(())
    }

    #[message]
    fn is_up(&self) {}
}

#[tokio::test(start_paused = true)]
async fn reg_2_a_name_is_free_after_every_kind_of_failed_start() {
    let system = ActorSystem::new("registry");
    for wrong in [Wrong::Fails, Wrong::Panics, Wrong::Declines, Wrong::Hangs] {
        let error = system.actor(Unstartable(wrong)).name("db").start_limit(Duration::from_secs(1)).start().await.unwrap_err();
        assert_eq!(*error.path(), "/db", "{wrong:?}");
        assert_eq!(system.actors(), 0, "{wrong:?}: nothing is left, its child included");
        is_free(&system, "db").await;
    }
}

#[tokio::test(start_paused = true)]
async fn reg_2_a_name_is_free_when_the_start_is_abandoned() {
    let system = ActorSystem::new("registry");
    let start = system.actor(Unstartable(Wrong::Hangs)).name("db").start();
    assert!(tokio::time::timeout(Duration::from_millis(10), start).await.is_err());

    settle().await;

    is_free(&system, "db").await;
}

// ===== REG-3 =====

#[derive(Actor)]
struct SlowToStop {
    gate: Gate,
}

#[messages]
impl SlowToStop {
    #[stopped]
    async fn stopped(&mut self) {
        self.gate.pass().await;
    }

    #[message]
    fn is_there(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn reg_3_a_name_is_refused_while_its_holder_is_stopping() {
    let system = ActorSystem::new("registry");
    let gate = Gate::new();
    let first = system.actor(SlowToStop { gate: gate.clone() }).name("db").hook_limit(Duration::from_secs(60)).start().await.unwrap();
    first.stop();
    gate.reached().await;

    let refused = system.actor(Peer).name("db").start().await.unwrap_err();
    assert_eq!(refused.holder::<SlowToStop>(), Some(first.clone()));
    gate.open();
    first.stopped().await;

    is_free(&system, "db").await;
}

/// A parent that makes a child of the same name anew when the old one has ended.
#[derive(Actor)]
struct Renews {
    journal: Journal,
    renewed: Option<ActorRef<Peer>>,
}

#[messages]
impl Renews {
    #[started]
    async fn open(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        self.renewed = Some(ctx.actor(Peer).name("db").start().await?);
        Ok(())
    }

    #[exited]
    async fn renew(&mut self, exited: Exited, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let children = ctx.children().len();
        self.journal.note(format!("{} ended, {children} children left", exited.path));
        let next = ctx.actor(Peer).name("db").start().await?;
        assert_ne!(next.id(), exited.id);
        self.renewed = Some(next);
        Ok(())
    }

    #[message]
    fn current(&self) -> ActorRef<Peer> {
        self.renewed.clone().expect("there is always one")
    }
}

#[tokio::test(start_paused = true)]
async fn reg_3_the_name_can_be_taken_when_the_notice_is_handled() {
    let system = ActorSystem::new("registry");
    let journal = Journal::new();
    let parent = system.actor(Renews { journal: journal.clone(), renewed: None }).name("app").start().await.unwrap();
    let first = parent.ask(Current).await.unwrap();

    first.kill();
    first.stopped().await;
    let second = parent.ask(Current).await.unwrap();

    assert_ne!((first.id(), &first), (second.id(), &second));
    assert_eq!(first.path(), second.path());
    assert_eq!(system.lookup::<Peer>("/app/db"), Some(second.clone()));
    let heard = Heard::default();
    system.spawn(Witness::new(&heard)).monitor(&second);
    settle().await;
    assert_eq!(heard.len(), 0, "the new one is watched on its own");
    assert_eq!(journal.entries(), ["/app/db ended, 0 children left"]);
}

#[test]
fn reg_3_whoever_learns_of_the_end_can_take_the_name_on_1_2_and_8_workers() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("registry");
        let journal = Journal::new();
        let parent = system.actor(Renews { journal: journal.clone(), renewed: None }).name("app").start().await.unwrap();
        for _ in 0..200 {
            let current = parent.ask(Current).await.unwrap();
            current.kill();
            current.stopped().await;
            promptly("it is renewed", async { while parent.ask(Current).await.unwrap() == current {} }).await;
        }
        assert_eq!(journal.count("/app/db ended, 0 children left"), 200, "and the ended child is counted no more");
    });
}

#[test]
fn a_name_wanted_by_many_at_once_goes_to_one() {
    on_1_2_and_8_workers(|| async {
        let system = ActorSystem::new("registry");
        for _ in 0..100 {
            let starts: Vec<_> = (0..8)
                .map(|_| {
                    let system = system.clone();
                    tokio::spawn(async move { system.actor(Peer).name("db").start().await })
                })
                .collect();
            let mut winners = Vec::new();
            for start in starts {
                winners.extend(start.await.unwrap().ok());
            }
            assert_eq!(winners.len(), 1);
            assert_eq!(system.lookup::<Peer>("/db"), winners.first().cloned());
            assert_eq!(system.actors(), 1);
            winners[0].stop();
            winners[0].stopped().await;
        }
    });
}
