//! Open actors: messages that the `#[messages]` block does not name, each handled by an impl of its own.

use std::convert::Infallible;
use std::fmt::Display;
use std::time::Duration;

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Context, DeadReason, Handler, Protocol, Recipient, messages};
use futures_util::stream;
use tests::{Broken, Gate, Journal, eventually, promptly};
use tokio::time::{Instant, sleep};

#[derive(Actor)]
struct Log {
    lines: Vec<String>,
    gate: Gate,
}

#[messages(open)]
impl Log {
    #[message]
    fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }

    #[message(name = LogWaits)]
    async fn wait(&self) {
        self.gate.pass().await;
    }
}

/// A generic message, which no enum can name.
#[derive(Debug, PartialEq)]
struct Put<T>(T);

impl<T: Display + Send> Handler<Put<T>> for Log {
    type Reply = usize;
    type Error = Infallible;

    async fn handle(&mut self, Put(value): Put<T>, _ctx: &mut Context<Self>) -> Result<usize, Infallible> {
        self.lines.push(value.to_string());
        Ok(self.lines.len())
    }
}

/// One that can fail.
#[derive(Debug)]
struct Erase<T>(T);

impl<T: Display + Send> Handler<Erase<T>> for Log {
    type Reply = ();
    type Error = Broken;

    async fn handle(&mut self, Erase(line): Erase<T>, _ctx: &mut Context<Self>) -> Result<(), Broken> {
        let line = line.to_string();
        let place = self.lines.iter().position(|known| *known == line).ok_or(Broken("no such line"))?;
        self.lines.remove(place);
        Ok(())
    }
}

/// One that overtakes, and hangs.
struct Hang;

impl Handler<Hang> for Log {
    type Reply = ();
    type Error = Infallible;
    const CONTROL: bool = true;

    async fn handle(&mut self, _: Hang, _ctx: &mut Context<Self>) -> Result<(), Infallible> {
        std::future::pending().await
    }
}

fn stage() -> (ActorSystem, ActorRef<Log>, Gate) {
    let system = ActorSystem::new("open");
    let gate = Gate::new();
    let log = system.actor(Log { lines: Vec::new(), gate: gate.clone() }).name("log").spawn();
    (system, log, gate)
}

#[tokio::test(start_paused = true)]
async fn a_generic_message_is_told_and_asked_like_those_of_the_block() {
    let (system, log, _) = stage();

    log.tell(Put("text")).await.unwrap();
    let count = log.ask(Put(7)).await.unwrap();
    let whoever: Recipient<Put<char>> = log.recipient();
    whoever.tell(Put('c')).await.unwrap();

    assert_eq!(count, 2);
    assert_eq!(log.ask(Lines).await.unwrap(), ["text", "7", "c"]);
    assert!(system.shutdown().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn the_error_of_an_open_message_goes_to_whoever_asked_or_else_fails_the_actor() {
    let (system, log, _) = stage();

    let asked = log.ask(Erase(1)).await;
    assert!(matches!(asked, Err(AskError::Failed(Broken("no such line")))), "{asked:?}");

    log.tell(Erase(1)).await.unwrap();
    let reason = promptly("the end", log.stopped()).await;
    assert_eq!(reason.error().and_then(|failure| failure.downcast_ref()), Some(&Broken("no such line")));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_open_message_that_is_refused_comes_back() {
    let (system, log, _) = stage();
    log.stop();
    log.stopped().await;

    let refused = log.tell(Put(1)).await.unwrap_err();
    let not_asked = log.ask(Put("x")).await.unwrap_err();

    assert_eq!(refused.to_string(), "/log did not take `Put`: it is not running");
    assert_eq!(refused.into_message(), Put(1));
    assert_eq!(not_asked.into_message(), Some(Put("x")));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_open_message_that_is_discarded_is_a_dead_letter_of_its_name_or_comes_back_to_the_asker() {
    let (system, log, gate) = stage();
    let mut letters = system.dead_letters();
    log.tell(LogWaits).await.unwrap();
    gate.reached().await;
    log.tell(Erase("old")).await.unwrap();
    let (lost, ()) = tokio::join!(log.ask(Put("asked")), async {
        tokio::task::yield_now().await;
        log.tell(Put("told")).await.unwrap();
        log.stop();
        gate.open();
    });

    let letters = [letters.recv().await.unwrap(), letters.recv().await.unwrap()];

    let Err(AskError::Lost(lost)) = lost else { panic!("{lost:?}") };
    assert_eq!(lost.into_message(), Some(Put("asked")));
    assert_eq!(
        letters.each_ref().map(|letter| (letter.message_type(), letter.reason())),
        [("Erase", DeadReason::Stopped), ("Put", DeadReason::Stopped),]
    );
    assert_eq!(letters[1].take::<Put<&str>>(), Some(Put("told")));
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn reports_name_an_open_message_by_its_type() {
    let (system, log, _) = stage();
    let mut crashes = system.crash_reports();
    let failing = system.spawn(Log { lines: Vec::new(), gate: Gate::new() });

    failing.tell(Put(1)).await.unwrap();
    failing.tell(Erase(2)).await.unwrap();
    log.tell(Hang).await.unwrap();
    tokio::task::yield_now().await;

    assert_eq!(crashes.recv().await.unwrap().handling.as_deref(), Some("Erase"));
    let report = system.shutdown().await;
    assert_eq!(report.get("/log").unwrap().held_by.as_deref(), Some("Hang"));
}

#[tokio::test(start_paused = true)]
async fn an_open_control_message_overtakes_those_of_the_block() {
    let (system, log, _) = stage();

    log.tell(Put("waits")).await.unwrap();
    let overtaken = tokio::join!(log.tell(Hang), log.ask(Lines).within(Duration::from_secs(1))).1;

    assert!(matches!(overtaken, Err(AskError::TimedOutInQueue { .. })), "{overtaken:?}");
    log.kill();
    system.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_ask_for_an_open_message_hands_on_what_is_left_of_its_time() {
    let (system, log, _) = stage();
    let journal = Journal::new();
    let desk = system.spawn(Desk { behind: log.clone(), journal: journal.clone() });

    let late = desk.ask(Pass).within(Duration::from_secs(2)).await;
    eventually("the second ask has ended", || !journal.is_empty()).await;

    assert!(late.is_err_and(|late| late.is_timeout()));
    assert_eq!(journal.entries(), ["timed out after 2s"]);
    log.kill();
    system.shutdown().await;
}

/// Asks another actor on behalf of whoever asks it.
#[derive(Actor)]
struct Desk {
    behind: ActorRef<Log>,
    journal: Journal,
}

struct Pass;

/// A block without methods: all that this actor handles stands elsewhere.
#[messages(open)]
impl Desk {}

impl Handler<Pass> for Desk {
    type Reply = ();
    type Error = Infallible;

    async fn handle(&mut self, _: Pass, _ctx: &mut Context<Self>) -> Result<(), Infallible> {
        let begun = Instant::now();
        let unanswered = self.behind.ask(Hang).await;
        let how = if unanswered.is_err_and(|error| error.is_timeout()) { "timed out" } else { "ended" };
        self.journal.note(format!("{how} after {:?}", begun.elapsed()));
        Ok(())
    }
}

/// A generic actor, which is sent messages by itself.
#[derive(Actor)]
struct Quiet<T> {
    journal: Journal,
    value: T,
}

#[messages(open)]
impl<T: Display> Quiet<T> {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        ctx.set_inactivity_timeout(Duration::from_secs(3), || Note(0_u8)).except::<Note<char>>();
        ctx.send_after(Duration::from_secs(3), Note(3_i8));
        ctx.attach(stream::iter([1_u16]));
    }
}

struct Note<N>(N);

impl<T: Display + Send + 'static, N: Display + Send> Handler<Note<N>> for Quiet<T> {
    type Reply = ();
    type Error = Infallible;

    async fn handle(&mut self, Note(what): Note<N>, _ctx: &mut Context<Self>) -> Result<(), Infallible> {
        self.journal.note(format!("{}: {what}", self.value));
        Ok(())
    }
}

impl<T: Display + Send + 'static> Handler<Option<u16>> for Quiet<T> {
    type Reply = ();
    type Error = Infallible;

    async fn handle(&mut self, item: Option<u16>, _ctx: &mut Context<Self>) -> Result<(), Infallible> {
        self.journal.note(format!("{}: {item:?}", self.value));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn timers_and_streams_send_open_messages_and_the_inactivity_timeout_tells_them_apart() {
    let system = ActorSystem::new("open");
    let journal = Journal::new();
    let quiet = system.spawn(Quiet { journal: journal.clone(), value: 5 });

    sleep(Duration::from_secs(1)).await;
    quiet.tell(Note("activity")).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    quiet.tell(Note('n')).await.unwrap();
    sleep(Duration::from_millis(1_900)).await;
    assert_eq!(journal.entries(), ["5: Some(1)", "5: None", "5: activity", "5: n", "5: 3"]);
    sleep(Duration::from_millis(200)).await;

    assert_eq!(journal.entries().last().unwrap(), "5: 0", "only what is not excepted puts it off");
    system.shutdown().await;
}

#[test]
fn an_open_message_takes_no_more_room_in_the_mailbox_than_a_box() {
    assert_eq!(size_of::<<Desk as Protocol>::Msg>(), 2 * size_of::<usize>());
}
