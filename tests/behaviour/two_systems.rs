//! Two systems in one process know nothing of each other (S2.5), and what passes between their actors goes as between any others, though
//! each system numbers its actors from 1.

use actors_core::{Actor, ActorRef, ActorSystem, AskError, ExitReason, TellError, Tie, messages};
use tests::{Broken, Gate, Journal, eventually, promptly};

use crate::cast::{End, Heard, HeardSoFar, Peer, Ping, WaitAt, Witness, broken, link_down, settle, within};

/// Calls others, and notes what comes of it.
#[derive(Actor)]
struct Caller(Journal);

#[messages]
impl Caller {
    #[message]
    async fn call(&mut self, other: ActorRef<Peer>) {
        self.0.note(format!("{:?}", other.ask(Ping).await));
    }

    /// Asks `other` to call this one back.
    #[message]
    async fn call_back(&mut self, other: ActorRef<Caller>, to: ActorRef<Caller>) {
        match other.ask(CallBack { other: to.clone(), to: other.clone() }).await {
            Err(AskError::WouldDeadlock(deadlock)) => self.0.note(format!("{:?}", deadlock.cycle())),
            called => self.0.note(format!("{:?}", called.map_err(|error| error.to_string()))),
        }
    }

    #[message(name = Say)]
    async fn tell(&mut self, other: ActorRef<Peer>) {
        let told = other.tell(Ping).await;
        self.0.note(told.map_or_else(|error: TellError<Ping>| error.to_string(), |()| "told".into()));
    }
}

/// Its handlers never wait, and one of them has a system of its own on its thread.
#[derive(Actor)]
struct Landlord;

#[messages]
impl Landlord {
    #[message]
    fn host(&self) -> usize {
        tokio::task::block_in_place(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
            runtime.block_on(async {
                let (system, journal) = (ActorSystem::new("inner"), Journal::new());
                let guest = system.spawn(Guest(journal.clone()));
                // Few of them are handled without a task, and the others with one.
                for _ in 0..40 {
                    guest.ask(Greet).await.expect("it answers");
                }
                assert!(system.shutdown().await.is_clean());
                journal.len()
            })
        })
    }
}

/// Never waits.
#[derive(Actor)]
struct Guest(Journal);

#[messages]
impl Guest {
    #[message]
    fn greet(&self) {
        self.0.note("greeted");
    }
}

fn systems() -> [ActorSystem; 2] {
    ["one", "two"].map(ActorSystem::new)
}

#[tokio::test(start_paused = true)]
async fn s2_5_each_system_shows_its_actors_by_numbers_of_its_own() {
    let systems = systems();
    let actors = systems.each_ref().map(|system| system.spawn(Peer));

    for (system, actor) in systems.iter().zip(&actors) {
        assert_eq!((actor.path().to_string(), actor.id().to_string()), ("/Peer#1".into(), "#1".into()));
        assert_eq!((actor.path() == "/Peer#1", format!("{:?}", actor.id())), (true, "#1".into()));
        assert_eq!(system.lookup::<Peer>("/Peer#1").as_ref(), Some(actor));
        assert_eq!(system.tree().to_string().matches("Peer#1").count(), 1, "{}", system.tree());
        let json = serde_json::to_value(system.tree()).expect("a tree can be serialised");
        assert_eq!(json["nodes"][0]["id"], 1, "{json}");
        assert_eq!(serde_json::to_string(&actor.id()).expect("an id can be"), "1");
    }
    assert_ne!(actors[0].id(), actors[1].id());
    assert_eq!(actors[0].path(), actors[1].path(), "paths are equal if they read the same");
}

#[tokio::test(start_paused = true)]
async fn s4_7_an_ask_of_another_systems_actor_with_the_same_number_waits_for_nobody() {
    let [one, two] = systems();
    let journal = Journal::new();
    let (caller, other) = (one.spawn(Caller(journal.clone())), two.spawn(Peer));

    promptly("it is answered", caller.ask(Call { other })).await.unwrap();

    assert_eq!(journal.entries(), ["Ok(())"]);
}

#[tokio::test(start_paused = true)]
async fn s4_7_a_cycle_across_two_systems_is_one() {
    let [one, two] = systems();
    let journal = Journal::new();
    let (a, b) = (one.spawn(Caller(journal.clone())), two.spawn(Caller(journal.clone())));

    promptly("all of it ends", a.ask(CallBack { other: b.clone(), to: a.clone() })).await.unwrap();

    assert_eq!(journal.entries(), ["[/Caller#1, /Caller#1, /Caller#1]", "Ok(())"]);
}

#[tokio::test(start_paused = true)]
async fn s4_5_a_tell_to_another_systems_actor_with_the_same_number_waits_for_room() {
    let [one, two] = systems();
    let (journal, gate) = (Journal::new(), Gate::new());
    let (caller, full) = (one.spawn(Caller(journal.clone())), two.actor(Peer).mailbox(1).spawn());
    full.tell(WaitAt { gate: gate.clone() }).await.unwrap();
    gate.reached().await;
    full.tell(Ping).await.unwrap();

    caller.tell(Say { other: full }).await.unwrap();
    settle().await;
    assert_eq!(journal.entries(), [""; 0], "it waits");
    gate.open();

    eventually("it is told", || journal.entries() == ["told"]).await;
}

#[tokio::test(start_paused = true)]
async fn s8_1_links_between_systems_are_links() {
    let [one, two] = systems();
    let (a, b) = (one.spawn(Peer), two.spawn(Peer));
    a.link(&b);

    b.tell(broken("no disk")).await.unwrap();

    let reason = promptly("it falls", a.stopped()).await;
    link_down(&reason, &b);
}

#[tokio::test(start_paused = true)]
async fn s8_1_a_link_does_not_replace_that_to_the_same_number_elsewhere() {
    let [one, two] = systems();
    let heard = Heard::default();
    let (witness, here) = (one.spawn(Witness::new(&heard)), one.spawn(Peer));
    let there = [two.spawn(Peer), two.spawn(Peer)];
    assert_eq!(here.id().to_string(), there[1].id().to_string());
    witness.link(&here);
    witness.link(&there[1]);

    witness.unlink(&there[1]);
    there[1].tell(broken("far")).await.unwrap();
    here.tell(broken("near")).await.unwrap();
    settle().await;

    let told = heard.only();
    assert_eq!((told.id, matches!(told.tie, Tie::Link)), (here.id(), true));
}

#[tokio::test(start_paused = true)]
async fn s9_a_monitor_of_one_system_is_not_that_of_another() {
    let [one, two] = systems();
    let heard = [Heard::default(), Heard::default()];
    let (here, there) = (one.spawn(Witness::new(&heard[0])), two.spawn(Witness::new(&heard[1])));
    let target = one.spawn(Peer);
    let (_, cancelled) = (here.monitor(&target), there.monitor(&target));

    there.demonitor(cancelled);
    target.tell(End).await.unwrap();
    settle().await;

    assert_eq!((heard[0].only().id, heard[0].only().reason), (target.id(), ExitReason::Normal));
    assert_eq!(there.ask(HeardSoFar).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn s12_7_actors_of_two_systems_are_two_members() {
    let [one, two] = systems();
    let actors = [one.spawn(Peer), two.spawn(Peer)];
    let group = one.group::<Ping>("all");
    actors.iter().for_each(|actor| group.join(actor));

    assert_eq!(group.len(), 2);
    group.leave(&actors[1]);
    assert_eq!(group.members(), [actors[0].recipient()]);
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_peer_group_has_members_of_two_systems() {
    let [one, two] = systems();
    let heard = Heard::default();
    let owner = one.spawn(Witness::new(&heard));
    let members = [one.spawn(Peer), two.spawn(Peer), two.spawn(Peer)];
    let joining = members.clone();
    within(&owner, move |ctx| {
        let group = ctx.peer_group("all");
        joining.iter().for_each(|member| group.join(member));
    })
    .await;

    members[2].tell(broken("no disk")).await.unwrap();

    for member in &members[..2] {
        let reason = promptly("it falls", member.stopped()).await;
        assert_eq!(link_down(&reason, &members[2]).error().and_then(|error| error.downcast_ref()), Some(&Broken("no disk")));
    }
    settle().await;
    let Tie::Group(report) = heard.only().tie else { panic!("it is of the group") };
    assert_eq!(report.members.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_5_a_handler_may_run_a_system_of_its_own() {
    let system = ActorSystem::new("outer");
    let host = system.spawn(Landlord);

    for _ in 0..40 {
        assert_eq!(promptly("it answers", host.ask(Host)).await.expect("it answers"), 40);
    }

    assert!(system.shutdown().await.is_clean());
}
