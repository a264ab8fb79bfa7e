//! Those below one that is restarted who wait for room in its mailbox, or begin to (S4.7).

use actors_core::{Actor, ActorRef, ActorSystem, AskError, ChildSpec, Context, Supervisor, messages};
use tests::{Gate, Journal, eventually, promptly};
use tokio::time::Instant;

/// Falls when it is told to, while its child waits for it.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Parent(Journal);

#[messages]
impl Parent {
    #[started]
    async fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.actor(Child(self.0.clone())).name("child").spawn();
    }

    #[message]
    async fn fall(&mut self, gate: Gate) {
        gate.pass().await;
        panic!("fallen");
    }

    #[message]
    fn rest(&self) {}

    #[message]
    fn life(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }
}

#[derive(Actor)]
struct Child(Journal);

#[messages]
impl Child {
    #[message]
    async fn call(&self, gate: Gate, parent: ActorRef<Parent>) {
        gate.pass().await;
        self.0.note(match parent.ask(Life).await {
            Err(AskError::WouldDeadlock(deadlock)) => deadlock.cycle().iter().map(ToString::to_string).collect::<Vec<_>>().join(" > "),
            other => format!("{other:?}"),
        });
    }

    #[message]
    async fn call_outsider(&self, outsider: ActorRef<Outsider>) {
        let asked = outsider.ask(Nothing).await;
        self.0.note(if matches!(asked, Err(AskError::WouldDeadlock(_))) { "told" } else { "answered" });
    }

    #[message]
    async fn push(&self, gate: Gate, parent: ActorRef<Parent>) {
        gate.pass().await;
        let told = parent.tell(Rest).await;
        self.0.note(told.map_or_else(|refused| format!("{:?}", refused.reason()), |()| "told".to_owned()));
    }
}

/// Stands outside of the family, and asks the parent.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Outsider;

#[messages]
impl Outsider {
    #[message]
    async fn ask_parent(&self, parent: ActorRef<Parent>) -> u64 {
        parent.ask(Life).await.expect("the next life answers")
    }

    #[message]
    async fn tell_parent(&self, gate: Gate, parent: ActorRef<Parent>) {
        gate.pass().await;
        parent.tell(Rest).await.expect("there will be room");
    }

    #[message]
    fn nothing(&self) {}
}

struct Stage {
    system: ActorSystem,
    journal: Journal,
    parent: ActorRef<Parent>,
    child: ActorRef<Child>,
    falls: Gate,
}

/// The parent falls when its gate opens, and its mailbox is full.
async fn stage() -> Stage {
    let (system, journal, falls) = (ActorSystem::new("kin"), Journal::new(), Gate::new());
    let spec = ChildSpec::new("parent", {
        let journal = journal.clone();
        move || Parent(journal.clone())
    });
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.expect("it starts");
    let parent: ActorRef<Parent> = system.lookup("/sup/parent").expect("it is there");
    let child = system.lookup("/sup/parent/child").expect("it is there");
    parent.tell(Fall { gate: falls.clone() }).await.expect("it is open");
    falls.reached().await;
    parent.tell(Rest).await.expect("there is room");
    Stage { system, journal, parent, child, falls }
}

impl Stage {
    async fn is_restarted_at_once(&self, noted: &str) {
        let began = Instant::now();
        assert_eq!(promptly("the next life", self.parent.ask(Life)).await.expect("it answers"), 1);
        assert_eq!((self.journal.entries(), began.elapsed().as_secs()), (vec![noted.to_owned()], 0));
        self.system.shutdown().await;
    }
}

const CYCLE: &str = "/sup/parent/child > /sup/parent > /sup/parent/child";

#[tokio::test(start_paused = true)]
async fn an_ask_that_waits_for_room_when_its_parent_falls_is_told_of_the_cycle() {
    let (stage, open) = (stage().await, Gate::new());
    open.open_wide();
    stage.child.tell(Call { gate: open, parent: stage.parent.clone() }).await.expect("it is open");
    eventually("it is in hand", || stage.child.queued() == 0).await;
    tokio::task::yield_now().await;

    stage.falls.open();

    stage.is_restarted_at_once(CYCLE).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_begins_to_wait_for_room_when_its_parent_has_fallen_is_told() {
    for asks in [true, false] {
        let (stage, gate) = (stage().await, Gate::new());
        let (at, parent) = (gate.clone(), stage.parent.clone());
        match asks {
            true => stage.child.tell(Call { gate: at, parent }).await.expect("it is open"),
            false => stage.child.tell(Push { gate: at, parent }).await.expect("it is open"),
        }
        gate.reached().await;
        stage.falls.open();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;

        gate.open();

        stage.is_restarted_at_once(if asks { CYCLE } else { "WouldDeadlock" }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_room_at_one_who_asks_the_parent_is_told_when_that_falls() {
    let (system, journal, falls) = (ActorSystem::new("kin"), Journal::new(), Gate::new());
    let spec = ChildSpec::new("parent", {
        let journal = journal.clone();
        move || Parent(journal.clone())
    });
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.expect("it starts");
    let parent: ActorRef<Parent> = system.lookup("/sup/parent").expect("it is there");
    let child: ActorRef<Child> = system.lookup("/sup/parent/child").expect("it is there");
    parent.tell(Fall { gate: falls.clone() }).await.expect("it is open");
    falls.reached().await;
    let outsider = system.spawn(Outsider);
    outsider.tell(AskParent { parent: parent.clone() }).await.expect("it is open");
    eventually("it asks", || parent.queued() == 1).await;
    outsider.tell(Nothing).await.expect("there is room");
    child.tell(CallOutsider { outsider: outsider.clone() }).await.expect("it is open");
    eventually("it is in hand", || child.queued() == 0).await;
    tokio::task::yield_now().await;

    falls.open();

    Stage { system, journal, parent, child, falls }.is_restarted_at_once("told").await;
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_one_who_waits_for_room_at_the_parent_is_told_when_that_falls() {
    for tell_comes_last in [false, true] {
        let (stage, gate) = (stage().await, Gate::new());
        let outsider = stage.system.spawn(Outsider);
        outsider.tell(TellParent { gate: gate.clone(), parent: stage.parent.clone() }).await.expect("it is open");
        gate.reached().await;
        stage.child.tell(CallOutsider { outsider: outsider.clone() }).await.expect("it is open");
        eventually("it asks", || outsider.queued() == 1).await;
        let [first, last] = if tell_comes_last { [&stage.falls, &gate] } else { [&gate, &stage.falls] };
        first.open();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;

        last.open();

        stage.is_restarted_at_once("told").await;
    }
}
