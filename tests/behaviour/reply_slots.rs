//! Reply slots: dropped without a reply, or with nobody at the other end.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, AskError, BoxError, Context, Overflow, Protocol, ReplyTo, messages};
use tests::{DropNote, Journal, eventually, is_pending, on_1_2_and_8_workers, promptly};

use crate::clerk::{Clerk, Double, Forget, Keep, KeepsForNobody, Later, Release};

#[tokio::test(start_paused = true)]
async fn ask_6_a_reply_slot_that_is_dropped_tells_its_asker() {
    let system = ActorSystem::new("test");
    let clerk = system.actor(Clerk::default()).name("clerk").spawn();

    let unanswered = promptly("the news", clerk.ask(Forget)).await.unwrap_err();

    assert_eq!(unanswered.to_string(), "/clerk handled `Forget` without a reply");
    let AskError::NoReply { path, message_type } = unanswered else { panic!("{unanswered}") };
    assert_eq!((path.to_string(), message_type), ("/clerk".into(), "Forget"));
    assert_eq!(clerk.ask(Double { n: 1 }).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn ask_6_a_reply_slot_that_goes_with_its_task_or_state_tells_its_asker() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());
    let mut with_state = pin!(clerk.ask(Keep));
    let mut with_task = pin!(clerk.ask(Later { after: Duration::from_secs(3600) }));
    assert!(is_pending(with_state.as_mut()).await && is_pending(with_task.as_mut()).await);

    clerk.stop();

    let with_state = promptly("the news of the state", with_state).await.unwrap_err();
    let with_task = promptly("the news of the task", with_task).await.unwrap_err();
    assert!(matches!(with_state, AskError::NoReply { .. }), "{with_state:?}");
    assert!(matches!(with_task, AskError::NoReply { .. }), "{with_task:?}");
}

#[tokio::test(start_paused = true)]
async fn ask_6_a_caller_that_goes_away_closes_the_slot_and_harms_nobody() {
    let (system, journal) = (ActorSystem::new("test"), Journal::new());
    let giver = system.spawn(Giver { kept: None, journal: journal.clone() });
    {
        let mut asking = pin!(giver.ask(Give));
        assert!(is_pending(asking.as_mut()).await);
        assert!(!giver.ask(NobodyWaits).await.unwrap(), "somebody still waits");
    }

    assert!(giver.ask(NobodyWaits).await.unwrap());
    giver.ask(GiveNow).await.unwrap();
    assert_eq!(journal.entries(), ["gift dropped"], "the late answer is discarded, at once");
    assert!(giver.is_alive());
}

/// Gives later, or too late.
#[derive(Actor)]
struct Giver {
    kept: Option<ReplyTo<DropNote>>,
    journal: Journal,
}

#[messages]
impl Giver {
    #[message]
    fn give(&mut self, reply: ReplyTo<DropNote>) {
        self.kept = Some(reply);
    }

    #[message]
    fn nobody_waits(&self) -> bool {
        self.kept.as_ref().is_none_or(ReplyTo::is_closed)
    }

    #[message]
    fn give_now(&mut self) -> bool {
        let Some(reply) = self.kept.take() else { return false };
        reply.send(self.journal.drop_note("gift dropped"));
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_asked_for_is_closed_from_the_beginning() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());

    clerk.tell(Keep).await.unwrap();
    let mut asked = pin!(clerk.ask(Keep));
    assert!(is_pending(asked.as_mut()).await);

    assert_eq!(clerk.ask(KeepsForNobody).await.unwrap(), [true, false]);
    clerk.ask(Release).await.unwrap();
    assert_eq!(promptly("the answer", asked).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_ask_closes_the_slot_though_its_future_is_kept() {
    let system = ActorSystem::new("test");
    let clerk = system.spawn(Clerk::default());
    let mut asking = pin!(clerk.ask(Keep).within(Duration::from_millis(100)));

    asking.as_mut().await.unwrap_err();

    assert_eq!(clerk.ask(KeepsForNobody).await.unwrap(), [true]);
}

/// A request that whoever asks makes by hand: it holds the right to answer from the beginning.
enum Request {
    Say(ReplyTo<()>),
    /// The actor asks itself, and tells whether the request came back with a right to answer that is closed.
    AskYourself(ReplyTo<bool>),
    Hang,
}

impl Request {
    fn has_come_back_closed(asked: Result<(), AskError<Request>>) -> bool {
        matches!(asked.unwrap_err().into_message(), Some(Request::Say(reply)) if reply.is_closed())
    }
}

struct Echo;

impl Protocol for Echo {
    type Msg = Request;
    const MESSAGES: &'static [&'static str] = &["Say", "AskYourself", "Hang"];

    fn tag(request: &Request) -> u16 {
        match request {
            Request::Say(_) => 0,
            Request::AskYourself(_) => 1,
            Request::Hang => 2,
        }
    }
}

impl Actor for Echo {
    async fn handle(&mut self, request: Request, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        match request {
            Request::Say(reply) => reply.send(()),
            Request::AskYourself(reply) => reply.send(Request::has_come_back_closed(ctx.actor_ref().ask_with(Request::Say).await)),
            Request::Hang => pending().await,
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_back_holds_a_right_to_answer_that_is_closed() {
    let system = ActorSystem::new("test");
    let echo = system.actor(Echo).mailbox(1).overflow(Overflow::Reject).spawn();
    assert!(echo.ask_with(Request::AskYourself).await.unwrap(), "who asks himself");

    echo.tell(Request::Hang).await.unwrap();
    eventually("it hangs", || echo.queued() == 0).await;
    let mut lost = pin!(echo.ask_with(Request::Say));
    assert!(is_pending(lost.as_mut()).await);
    assert!(Request::has_come_back_closed(echo.ask_with(Request::Say).await), "where there is no room");
    echo.kill();
    assert!(matches!(lost.await, Err(AskError::Lost(_))), "its right to answer was dropped with it");
    assert!(Request::has_come_back_closed(echo.ask_with(Request::Say).await), "from one that has ended");
}

#[test]
fn ask_6_answers_and_callers_that_cross_harm_nobody() {
    on_1_2_and_8_workers(|| async {
        let (system, journal) = (ActorSystem::new("test"), Journal::new());
        let giver = system.spawn(Giver { kept: None, journal: journal.clone() });
        let mut given = 0;
        for round in 0..300 {
            let answer = {
                let giver = giver.clone();
                tokio::spawn(async move { giver.ask(GiveNow).await.unwrap() })
            };
            let patience = async {
                for _ in 0..round % 6 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! { _ = giver.ask(Give) => {}, () = patience => {} }
            given += usize::from(promptly("the answer", answer).await.unwrap());
        }
        given += usize::from(giver.ask(GiveNow).await.unwrap());
        assert_eq!(journal.len(), given, "each gift, taken or discarded, was dropped once");
        assert!(giver.is_alive() && given > 0);
    });
}
