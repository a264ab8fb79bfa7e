//! The inactivity timeout of an actor: what puts it off, and when it fires (S11.7).

use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, Context, messages};
use futures_util::stream;
use tests::{Gate, Journal};
use tokio::time::{Instant, sleep};

use crate::cast::{Act, settle, within};

/// Notes when it has been quiet for a second, in milliseconds since it was made.
#[derive(Actor)]
struct Session {
    journal: Journal,
    began: Instant,
}

#[messages]
impl Session {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        ctx.set_inactivity_timeout(SECOND, || Quiet).except::<Ping>().except::<Act<Session>>();
    }

    #[message]
    fn quiet(&self) {
        self.journal.note(format!("quiet at {}", self.began.elapsed().as_millis()));
    }

    #[message]
    fn say(&self) {}

    #[message]
    fn ping(&self) {}

    #[message]
    async fn think(&self, lasts: Duration) {
        sleep(lasts).await;
    }

    #[message(name = SessionWaitsAt)]
    async fn wait_at(&self, gate: Gate) {
        gate.pass().await;
    }

    #[stream]
    fn item(&self, _item: Option<u8>) {}

    #[handle]
    fn act(&self, act: Act<Session>, ctx: &mut Context<Self>) {
        act.play(ctx);
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn stage() -> (ActorSystem, Journal, ActorRef<Session>) {
    let system = ActorSystem::new("inactivity");
    let journal = Journal::new();
    let session = system.spawn(Session { journal: journal.clone(), began: Instant::now() });
    (system, journal, session)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn tmr_5_ordinary_messages_put_it_off_and_it_fires_once_after_the_quiet_time() {
    let (_system, journal, session) = stage();

    for _ in 0..5 {
        sleep(ms(900)).await;
        session.tell(Say).await.unwrap();
    }
    settle().await;

    assert_eq!(journal.entries(), ["quiet at 5500"]);
}

#[tokio::test(start_paused = true)]
async fn tmr_5_introspection_and_excepted_messages_do_not_put_it_off() {
    let (system, journal, session) = stage();

    for _ in 0..5 {
        sleep(ms(300)).await;
        session.tell(Ping).await.unwrap();
        assert_eq!(system.tree().to_string().matches("Session").count(), 1);
        let _ = session.queued();
    }

    assert_eq!(journal.entries(), ["quiet at 1000"]);
}

#[tokio::test(start_paused = true)]
async fn tmr_5_it_can_be_switched_off_even_when_it_waits_for_its_turn() {
    let (_system, journal, session) = stage();
    let gate = Gate::new();
    session.tell(SessionWaitsAt { gate: gate.clone() }).await.unwrap();
    let clear = |ctx: &mut Context<Session>| (ctx.clear_inactivity_timeout(), ctx.clear_inactivity_timeout());
    let (sender, cleared) = tokio::sync::oneshot::channel();
    session.tell(Act::new(move |ctx| sender.send(clear(ctx)).unwrap())).await.unwrap();

    sleep(2 * SECOND).await;
    gate.open();
    settle().await;

    assert_eq!(cleared.await.unwrap(), (true, false));
    assert!(journal.is_empty(), "{journal:?}");
}

#[tokio::test(start_paused = true)]
async fn it_fires_again_only_after_something_has_come() {
    let (_system, journal, session) = stage();

    sleep(5 * SECOND).await;
    session.tell(Say).await.unwrap();
    settle().await;

    assert_eq!(journal.entries(), ["quiet at 1000", "quiet at 6000"]);
}

#[tokio::test(start_paused = true)]
async fn the_quiet_time_runs_from_the_end_of_a_long_handler() {
    let (_system, journal, session) = stage();

    session.tell(Think { lasts: ms(2_500) }).await.unwrap();
    settle().await;

    assert_eq!(journal.entries(), ["quiet at 3500"]);
}

#[tokio::test(start_paused = true)]
async fn timers_do_not_put_it_off_and_streams_and_futures_do() {
    let (_system, journal, session) = stage();

    within(&session, |ctx| ctx.send_every(ms(100), || Say)).await;
    within(&session, |ctx| ctx.send_after(ms(550), Say)).await;
    sleep(ms(1_500)).await;
    within(&session, |ctx| ctx.attach(stream::once(sleep_and(ms(500))))).await;
    within(&session, |ctx| ctx.pipe_with(sleep(ms(1_100)), |()| Say)).await;
    settle().await;

    // The item and the end of the stream came at 2000, the result at 2600.
    assert_eq!(journal.entries(), ["quiet at 1000", "quiet at 3600"]);
}

#[tokio::test(start_paused = true)]
async fn setting_it_again_replaces_it() {
    let (_system, journal, session) = stage();
    sleep(ms(500)).await;

    within(&session, |ctx| {
        ctx.set_inactivity_timeout(3 * SECOND, || Quiet);
    })
    .await;
    settle().await;

    assert_eq!(journal.entries(), ["quiet at 3500"]);
}

async fn sleep_and(lasts: Duration) -> u8 {
    sleep(lasts).await;
    0
}
