//! Who is told of an end, in which order, and who is not (S6, S8).

use actors_core::{
    Actor, ActorRef, ActorSystem, ChildSpec, Context, ExitReason, Exited, LinkKind, OnStop, PeerGroup, Supervisor, Tie, messages,
};
use tests::{Broken, Journal, eventually, promptly};

use crate::cast::{Explode, Fail, Heard, Peer, Witness, settle, within};

/// Writes down whose end it was told, and by which tie.
#[derive(Actor)]
struct Scribe {
    name: &'static str,
    journal: Journal,
}

#[messages]
impl Scribe {
    #[exited]
    fn hear(&mut self, exited: Exited) {
        let tie = match exited.tie {
            Tie::Link => "link",
            Tie::Child => "child",
            Tie::Monitor(_) => "monitor",
            Tie::Group(_) => "group",
            _ => "another tie",
        };
        self.journal.note(format!("{} by its {tie}", self.name));
    }

    #[message]
    fn have_a_child(&self, ctx: &mut Context<Self>) -> ActorRef<Peer> {
        ctx.spawn(Peer)
    }

    #[message]
    fn watch(&self, peer: ActorRef<Peer>, ctx: &mut Context<Self>) {
        ctx.monitor(&peer);
    }

    #[message]
    fn group_with(&self, peer: ActorRef<Peer>, ctx: &mut Context<Self>) {
        ctx.peer_group("alone").join(&peer);
    }
}

#[tokio::test(start_paused = true)]
async fn s6_parent_links_monitors_groups_and_waiters_are_told_in_this_order() {
    let (system, journal) = (ActorSystem::new("archive"), Journal::new());
    let [parent, linked, watcher, owner] =
        ["parent", "linked", "watcher", "owner"].map(|name| system.spawn(Scribe { name, journal: journal.clone() }));
    let ending = parent.ask(HaveAChild).await.expect("it answers");
    let waiter = tokio::spawn({
        let (ending, journal) = (ending.clone(), journal.clone());
        async move {
            ending.stopped().await;
            journal.note("waiter");
        }
    });
    owner.ask(GroupWith { peer: ending.clone() }).await.expect("it answers");
    watcher.ask(Watch { peer: ending.clone() }).await.expect("it answers");
    ending.link_as(&linked, LinkKind::Notify);
    settle().await;

    ending.kill();
    promptly("the waiter is told", waiter).await.expect("it goes well");
    eventually("all are told", || journal.len() == 5).await;

    assert_eq!(journal.entries(), ["parent by its child", "linked by its link", "watcher by its monitor", "owner by its group", "waiter"]);
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn s8_2_after_an_unlink_neither_side_lists_the_other() {
    for fails_first in [true, false] {
        let system = ActorSystem::new("archive");
        let mut crashes = system.crash_reports();
        let (one, other) = (system.spawn(Peer), system.spawn(Peer));
        one.link(&other);
        one.unlink(&other);

        let failing = if fails_first { &one } else { &other };
        failing.tell(Explode).await.expect("it is open");
        promptly("it falls", failing.stopped()).await;

        assert!(crashes.try_recv().expect("it is reported").links.is_empty());
        system.shutdown().await;
    }
}

/// Opens a group in each of its lives.
#[derive(Actor)]
struct Host;

#[messages]
impl Host {
    #[message]
    fn open_group(&self, ctx: &mut Context<Self>) -> PeerGroup {
        ctx.peer_group("guests")
    }

    #[message]
    fn stumble(&self) -> Result<(), Broken> {
        Err(Broken("stumbled"))
    }

    #[message]
    fn life(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }
}

#[tokio::test(start_paused = true)]
async fn s8_4_a_group_of_an_earlier_life_is_no_concern_of_a_later_one() {
    let system = ActorSystem::new("archive");
    let house = Supervisor::new().child(ChildSpec::new("host", || Host).permanent());
    system.actor(house).name("house").start().await.expect("it starts");
    let host = system.lookup::<Host>("/house/host").expect("it is there");
    let guests = host.ask(OpenGroup).await.expect("it answers");
    let guest = system.spawn(Peer);
    guests.join(&guest);

    host.tell(Stumble).await.expect("it is open");
    assert_eq!(promptly("it is restarted", host.ask(Life)).await.expect("it answers"), 1);
    guest.tell(Explode).await.expect("it is open");
    promptly("the guest falls", guest.stopped()).await;
    settle().await;

    assert_eq!(host.ask(Life).await.expect("it answers"), 1);
    system.shutdown().await;
}

/// Notes that it begins.
#[derive(Actor)]
struct Starter {
    journal: Journal,
}

#[messages]
impl Starter {
    #[started]
    async fn begin(&mut self) {
        self.journal.note("begins");
    }

    #[message(name = Greet)]
    fn greet(&self) {
        self.journal.note("greets");
    }
}

#[tokio::test(start_paused = true)]
async fn s6_3_who_falls_with_another_before_it_has_started_does_not_start_to_drain() {
    type Bind = fn(&ActorSystem, &PeerGroup, &ActorRef<Peer>, &ActorRef<Starter>);
    let binds: [Bind; 2] = [
        |_, _, fallen, starter| starter.link(fallen),
        |_, group, fallen, starter| {
            group.join(starter);
            group.join(fallen);
        },
    ];
    for bind in binds {
        let (system, journal) = (ActorSystem::new("archive"), Journal::new());
        let owner = system.spawn(Witness::default());
        let group = within(&owner, |ctx| ctx.peer_group("peers")).await;
        let fallen = system.spawn(Peer);
        fallen.tell(Fail { error: Broken("fell") }).await.expect("it is open");
        promptly("it falls", fallen.stopped()).await;

        let starter = system.actor(Starter { journal: journal.clone() }).on_stop(OnStop::Drain).spawn();
        starter.try_tell(Greet).expect("it is open");
        bind(&system, &group, &fallen, &starter);
        promptly("it falls too", starter.stopped()).await;

        assert!(journal.is_empty(), "{:?}", journal.entries());
        assert_eq!(system.dead_letter_count(), 1);
        system.shutdown().await;
    }
}

/// Cannot clean up.
#[derive(Actor)]
struct Untidy;

#[messages]
impl Untidy {
    #[message]
    fn nothing(&self) {}

    #[stopped]
    fn close(&mut self) -> Result<(), Broken> {
        Err(Broken("cleaning up"))
    }
}

#[tokio::test(start_paused = true)]
async fn shd_7_what_goes_wrong_in_a_subtree_is_told_to_the_parent_it_has_and_reported() {
    let (system, one, two) = (ActorSystem::new("archive"), Heard::default(), Heard::default());
    let (top, below) = (system.spawn(Witness::new(&one)), Witness::new(&two));
    let below = within(&top, |ctx| ctx.actor(below).name("2").spawn()).await;
    within(&below, |ctx| ctx.actor(Untidy).name("3").spawn()).await;
    settle().await;

    below.stop();
    assert_eq!(promptly("its end", below.stopped()).await, ExitReason::Normal);
    settle().await;

    // The one below was stopping when it might have been told: it drains, and hears nothing any more.
    assert_eq!((one.only().reason, two.len()), (ExitReason::Normal, 0));
    let report = system.shutdown().await;
    assert_eq!((report.failures.len(), report.exit_code()), (1, 1), "{report}");
}
