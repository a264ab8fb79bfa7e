//! What is done in a blocking job of an actor is done by that actor.

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, ChildSpec, Context, JobError, Outcome, Refusal, Supervisor, messages};
use tests::{Broken, Journal, eventually, promptly};

#[derive(Actor)]
struct Clerk;

#[messages]
impl Clerk {
    #[message]
    async fn shut_all_down(&self, ctx: &mut Context<Self>) -> Result<Outcome, JobError> {
        let (system, runtime) = (ctx.system(), tokio::runtime::Handle::current());
        ctx.spawn_blocking(move |_stop| runtime.block_on(system.shutdown()).outcome).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_that_a_job_awaits_would_wait_for_the_job() {
    let system = ActorSystem::builder("office").deadline(Duration::from_secs(3)).progress(false).build();
    let clerk = system.actor(Clerk).name("clerk").start().await.expect("it starts");

    let outcome = promptly("the answer", clerk.ask(ShutAllDown)).await.expect("it answers");

    assert_eq!(outcome, Outcome::WouldDeadlock { path: clerk.path() });
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}

/// A job of it tells it of one tick after the other, for which there is little room.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Clock {
    journal: Journal,
    ticks: u32,
}

#[messages]
impl Clock {
    #[message]
    fn begin(&self, ctx: &mut Context<Self>) {
        let (me, journal) = (ctx.actor_ref().clone(), self.journal.clone());
        drop(ctx.spawn_blocking(move |stop| {
            while !stop.is_stopping() {
                if let Err(refused) = me.blocking_tell(Tick) {
                    return journal.note(format!("{:?}", refused.reason()));
                }
            }
        }));
    }

    #[message]
    fn tick(&mut self) -> Result<(), Broken> {
        self.ticks += 1;
        if self.ticks < 10 {
            return Ok(());
        }
        // So long that the job waits for room.
        std::thread::sleep(Duration::from_millis(50));
        Err(Broken("worn out"))
    }

    #[message]
    fn life(&self, ctx: &mut Context<Self>) -> u64 {
        ctx.incarnation()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_waits_for_room_at_its_own_actor_does_not_hold_up_the_next_life_of_it() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());
    let made = journal.clone();
    let spec = ChildSpec::new("clock", move || Clock { journal: made.clone(), ticks: 0 }).permanent();
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.expect("it starts");
    let clock: ActorRef<Clock> = system.lookup("/sup/clock").expect("it is there");
    clock.tell(Begin).await.expect("it is open");

    eventually("the next life", || clock.incarnation() == 1).await;

    assert_eq!(promptly("the answer", clock.ask(Life)).await.expect("it answers"), 1);
    assert_eq!(journal.entries(), [format!("{:?}", Refusal::Stopping)]);
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}

/// Has a hand, a job of which tells it of one tick after the other.
#[derive(Actor)]
#[actor(mailbox = 1)]
struct Face {
    journal: Journal,
    ticks: u32,
}

#[messages]
impl Face {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) {
        if ctx.incarnation() == 0 {
            ctx.spawn(Hand { face: ctx.actor_ref().clone(), journal: self.journal.clone() });
        }
    }

    #[message]
    fn turn(&mut self) -> Result<(), Broken> {
        self.ticks += 1;
        if self.ticks < 10 {
            return Ok(());
        }
        // So long that the job waits for room.
        std::thread::sleep(Duration::from_millis(50));
        Err(Broken("worn out"))
    }
}

#[derive(Actor)]
struct Hand {
    face: ActorRef<Face>,
    journal: Journal,
}

#[messages]
impl Hand {
    #[started]
    async fn started(&mut self, ctx: &mut Context<Self>) {
        let (face, journal) = (self.face.clone(), self.journal.clone());
        drop(ctx.spawn_blocking(move |_stop| {
            let refused = loop {
                match face.blocking_tell(Turn) {
                    Ok(()) => {}
                    Err(refused) => break refused,
                }
            };
            journal.note(format!("{:?} in life {}", refused.reason(), face.incarnation()));
        }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_waits_for_room_at_the_parent_of_its_actor_does_not_hold_up_the_next_life_of_it() {
    let (system, journal) = (ActorSystem::new("office"), Journal::new());
    let made = journal.clone();
    let spec = ChildSpec::new("face", move || Face { journal: made.clone(), ticks: 0 }).permanent();
    system.actor(Supervisor::new().child(spec)).name("sup").start().await.expect("it starts");
    let face: ActorRef<Face> = system.lookup("/sup/face").expect("it is there");

    eventually("the next life", || face.incarnation() == 1).await;

    assert_eq!(journal.entries(), ["WouldDeadlock in life 0"]);
    assert!(promptly("the report", system.shutdown()).await.is_clean());
}
