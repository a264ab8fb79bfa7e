//! The actor of the simulation: it starts, works, ties itself to others and ends as its plan and its messages say.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use actors_core::{
    Accepts, Actor, BoxError, Context, ExitReason, Exited, GroupNotice, Hooks, MonitorRef, PeerGroup, Policy, Protocol, ReplyTo, Strategy,
    Tie, Unhandled,
};
use tests::Broken;

use crate::anyone::with_hooks;
use crate::grow;
use crate::journal::{Note, Number, Place, Sender, Tied, Who};
use crate::pools::Job;
use crate::program::{Act, Answer, How, Knot, Manage, NEVER_WAITS, Order, Plan, Slot, Start, Stop, Way};
use crate::services;
use crate::sources::Source;
use crate::world::{Token, World};

/// An actor with this set of hooks: 1 for `started`, 2 for `exited`, 4 for `stopped`; 8 says that its handlers never wait.
pub struct Node<const HOOKS: u8> {
    pub world: Arc<World>,
    pub slot: Slot,
    /// The number of this state.
    state: Number,
    /// How often an actor of this slot was made before.
    making: usize,
    seen: bool,
    monitors: Vec<MonitorRef>,
    pub sources: Vec<Source>,
    /// The stream of which items come.
    pub stream: Option<Number>,
    pub groups: Vec<(u8, Number, PeerGroup)>,
    _token: Token,
}

/// An ordinary message.
pub struct Work {
    pub number: Number,
    order: Order,
    /// How often it is still to be put aside.
    stash: u8,
    _token: Token,
}

/// A control message.
pub struct Urgent(pub Work);

/// What a timer yields, or an interval.
pub struct Later(pub Number);

/// What is published, and what members of a group take.
#[derive(Clone)]
pub struct News {
    pub number: Number,
    _token: Token,
}

impl News {
    pub fn new(world: &World) -> Self {
        News { number: world.number(), _token: world.token() }
    }
}

/// An item of a stream.
pub struct Item {
    pub stream: Number,
    pub nth: u8,
}

/// What waits in the mailbox.
pub enum Msg {
    Work(Work, ReplyTo<Number, Broken>),
    Urgent(Work, ReplyTo<Number, Broken>),
    Later(Later),
    Item(Option<Item>),
    News(News),
    Notice(GroupNotice<News>),
}

impl Work {
    pub fn new(world: &World, number: Number, order: &Order) -> Self {
        Work { number, stash: if order.control { 0 } else { order.stash }, order: order.clone(), _token: world.token() }
    }
}

impl<const HOOKS: u8> Node<HOOKS> {
    pub fn new(world: &Arc<World>, slot: Slot, above: Option<Who>) -> Self {
        let (state, making) = (world.number(), world.count_making(slot));
        world.note(Note::Made { state, slot, above });
        Node {
            world: world.clone(),
            slot,
            state,
            making,
            seen: false,
            monitors: Vec::new(),
            sources: Vec::new(),
            stream: None,
            groups: Vec::new(),
            _token: world.token(),
        }
    }

    fn plan(&self) -> &Plan {
        self.world.plan(self.slot)
    }

    /// Makes itself known, the first time that it does anything.
    fn who(&mut self, ctx: &Context<Self>) -> Who {
        let who = Who { id: ctx.id(), life: ctx.incarnation() };
        if !self.seen {
            self.seen = true;
            let me = ctx.actor_ref().clone();
            let anyone = with_hooks!(HOOKS, (Same, into) => {
                let me: Box<dyn std::any::Any> = Box::new(me);
                into(*me.downcast::<actors_core::ActorRef<Same>>().expect("these are its hooks"))
            });
            self.world.meet(self.slot, &anyone);
            self.world.note(Note::Is { state: self.state, who, slot: self.slot, path: ctx.path() });
        }
        who
    }
}

impl<const HOOKS: u8> Drop for Node<HOOKS> {
    fn drop(&mut self) {
        self.world.note(Note::Gone { state: self.state });
        if self.plan().bad_drop && self.making == 0 && !std::thread::panicking() {
            panic!("simulated: destructor");
        }
    }
}

impl<const HOOKS: u8> Protocol for Node<HOOKS> {
    type Msg = Msg;

    fn deadline(message: &Msg) -> Option<tokio::time::Instant> {
        match message {
            Msg::Work(_, reply) | Msg::Urgent(_, reply) => reply.deadline(),
            _ => None,
        }
    }

    fn unhandled(message: Msg) -> Unhandled {
        match message {
            Msg::Work(work, reply) | Msg::Urgent(work, reply) if !reply.is_asked() => Unhandled::Told(Some(Box::new(work))),
            Msg::Work(..) | Msg::Urgent(..) => Unhandled::Bounced,
            Msg::News(news) => Unhandled::Told(Some(Box::new(news))),
            Msg::Later(_) | Msg::Item(_) | Msg::Notice(_) => Unhandled::Told(None),
        }
    }
}

impl<const HOOKS: u8> Accepts<Work> for Node<HOOKS> {
    type Reply = Number;
    type Error = Broken;

    fn accept(work: Work, reply: ReplyTo<Number, Broken>) -> Msg {
        Msg::Work(work, reply)
    }
}

impl<const HOOKS: u8> Accepts<Urgent> for Node<HOOKS> {
    type Reply = Number;
    type Error = Broken;
    const CONTROL: bool = true;

    fn accept(Urgent(work): Urgent, reply: ReplyTo<Number, Broken>) -> Msg {
        Msg::Urgent(work, reply)
    }
}

impl<const HOOKS: u8> Accepts<Later> for Node<HOOKS> {
    type Reply = ();
    type Error = Infallible;

    fn accept(later: Later, _reply: ReplyTo<()>) -> Msg {
        Msg::Later(later)
    }
}

impl<const HOOKS: u8> Accepts<Option<Item>> for Node<HOOKS> {
    type Reply = ();
    type Error = Infallible;

    fn accept(item: Option<Item>, _reply: ReplyTo<()>) -> Msg {
        Msg::Item(item)
    }
}

impl<const HOOKS: u8> Accepts<News> for Node<HOOKS> {
    type Reply = ();
    type Error = Infallible;

    fn accept(news: News, _reply: ReplyTo<()>) -> Msg {
        Msg::News(news)
    }
}

impl<const HOOKS: u8> Accepts<GroupNotice<News>> for Node<HOOKS> {
    type Reply = ();
    type Error = Infallible;

    fn accept(notice: GroupNotice<News>, _reply: ReplyTo<()>) -> Msg {
        Msg::Notice(notice)
    }
}

/// How those supervise that nobody supervises, so that no policy of theirs can be set.
pub fn strategy_at_the_top(hooks: u8) -> Strategy {
    policy(hooks).strategy
}

/// How many restarts they allow within an hour.
pub const RESTARTS_AT_THE_TOP: u32 = 3;

const fn policy(hooks: u8) -> Policy {
    let strategy = match hooks & 7 {
        7 => Strategy::RestForOne,
        5 => Strategy::OneForAll,
        _ => Strategy::OneForOne,
    };
    Policy {
        strategy,
        restarts: RESTARTS_AT_THE_TOP,
        within: Duration::from_secs(3_600),
        auto_shutdown: actors_core::AutoShutdown::AnySignificant,
        ..Policy::DEFAULT
    }
}

impl<const HOOKS: u8> Actor for Node<HOOKS> {
    const POLICY: Policy = policy(HOOKS);
    const HOOKS: Hooks = Hooks { started: HOOKS & 1 != 0, exited: HOOKS & 2 != 0, stopped: HOOKS & 4 != 0 };
    const AT_ONCE: bool = HOOKS & NEVER_WAITS != 0;
    const TAKES_TURNS: bool = HOOKS & (NEVER_WAITS | 1) == NEVER_WAITS;

    async fn started(&mut self, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let who = self.who(ctx);
        let world = self.world.clone();
        let here = Here::enter(&world, who, Place::Started);
        world.sway().await;
        let children: Vec<Slot> = world.program.below(Some(self.slot)).filter(|&child| !world.plan(child).later).collect();
        for child in children {
            grow::child(self, child, who, ctx).await?;
        }
        for knot in self.plan().ties.clone() {
            self.tie(knot, who, ctx);
            world.sway().await;
        }
        match self.plan().starts.get(self.making).copied().unwrap_or(Start::Ready) {
            Start::Ready => {}
            Start::Takes(time) => world.pass(time).await,
            Start::Hangs => hang(&world).await,
            Start::Fails => return Err(Broken("simulated: start").into()),
            Start::Panics => panic!("simulated: start"),
            Start::Declines => {
                ctx.decline();
                return Ok(());
            }
            Start::Leaves => ctx.stop(),
        }
        world.sway().await;
        drop(here);
        world.note(Note::Started(who));
        Ok(())
    }

    fn handle(&mut self, message: Msg, ctx: &mut Context<Self>) -> impl Future<Output = Result<(), BoxError>> + Send {
        let who = self.who(ctx);
        // At once, and not at the first turn of the future: a message that is in hand is handled, whatever comes of it.
        let here = match &message {
            Msg::Work(work, _) => Here::handle(&self.world, who, work.number, false),
            Msg::Urgent(work, _) => Here::handle(&self.world, who, work.number, true),
            Msg::Later(Later(timer)) => {
                self.world.note(Note::TimerCame { who, timer: *timer });
                self.may_tick_no_more(*timer, ctx);
                Here::enter(&self.world, who, Place::Handler)
            }
            Msg::Item(item) => {
                let stream = item.as_ref().map_or_else(|| self.ending_stream(), |item| item.stream);
                self.world.note(Note::ItemCame { who, stream, nth: item.as_ref().map(|item| item.nth) });
                Here::enter(&self.world, who, Place::Handler)
            }
            Msg::News(news) => {
                self.world.note(Note::GotNews { who, news: news.number });
                Here::enter(&self.world, who, Place::Handler)
            }
            Msg::Notice(notice) => {
                self.world.note(services::noticed(who, notice));
                Here::enter(&self.world, who, Place::Handler)
            }
        };
        async move {
            let here = here;
            self.sway().await;
            let done = match message {
                Msg::Work(work, reply) | Msg::Urgent(work, reply) => self.work(work, reply, who, ctx).await,
                Msg::Later(_) | Msg::Item(_) | Msg::News(_) | Msg::Notice(_) => Ok(()),
            };
            drop(here);
            done
        }
    }

    async fn exited(&mut self, exited: Exited, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let who = self.who(ctx);
        let tie = match &exited.tie {
            Tie::Link => Tied::Link,
            Tie::Child => Tied::Child,
            Tie::Monitor(monitor) => Tied::Monitor(*monitor),
            Tie::Group(_) => Tied::Group,
            other => {
                self.world.wrong(format!("an exit by an unknown tie: {other:?}"));
                return Ok(());
            }
        };
        self.world.note(Note::Told { who, ended: exited.id, reason: exited.reason, tie });
        let world = self.world.clone();
        let _here = Here::enter(&world, who, Place::Exited);
        if !Self::TAKES_TURNS {
            world.sway().await;
        }
        Ok(())
    }

    async fn stopped(&mut self, _reason: &ExitReason, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let who = self.who(ctx);
        let world = self.world.clone();
        let _here = Here::enter(&world, who, Place::Stopped);
        world.sway().await;
        match self.plan().stop {
            Stop::AtOnce => {}
            Stop::Takes(time) => world.pass(time).await,
            Stop::Hangs => hang(&world).await,
            Stop::Fails => return Err(Broken("simulated: stop").into()),
            Stop::Panics => panic!("simulated: stop"),
        }
        Ok(())
    }
}

impl<const HOOKS: u8> Node<HOOKS> {
    /// Gives up its turn at random, if its handlers may wait.
    async fn sway(&self) {
        if !Self::AT_ONCE {
            self.world.sway().await;
        }
    }

    async fn work(&mut self, mut work: Work, reply: ReplyTo<Number, Broken>, who: Who, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        if work.stash > 0 {
            work.stash -= 1;
            let (number, asked) = (work.number, reply.is_asked());
            let put = if asked { ctx.stash_ask(work, reply).is_ok() } else { ctx.stash(work).is_ok() };
            if put {
                self.world.note(Note::PutAside { who, message: number });
            }
            return Ok(());
        }
        let order = work.order.clone();
        let act = if Self::AT_ONCE { at_once(&order.act) } else { order.act };
        self.perform(&act, who, ctx).await?;
        self.sway().await;
        match order.answer {
            Answer::Echo => reply.send(work.number),
            Answer::Error => reply.fail(Broken("simulated: answer"))?,
            Answer::None => drop(reply),
            Answer::Later(time) => {
                let world = self.world.clone();
                drop(ctx.spawn_task(async move {
                    world.sway().await;
                    world.pass(time).await;
                    reply.send(work.number);
                }));
            }
        }
        Ok(())
    }

    async fn perform(&mut self, act: &Act, who: Who, ctx: &mut Context<Self>) -> Result<(), BoxError> {
        let world = self.world.clone();
        match act {
            Act::Nothing => {}
            Act::Sleep(time) => world.pass(*time).await,
            Act::Hang => hang(&world).await,
            Act::Fail => return Err(Broken("simulated: handler").into()),
            Act::Panic => panic!("simulated: handler"),
            Act::Unstash => {
                ctx.unstash_all();
                world.note(Note::Released(who));
            }
            Act::Send(to, how, order) => {
                if let Some(to) = world.who(*to) {
                    to.send(&world, Sender::Actor(who.id), *how, order).await;
                }
            }
            Act::Later(time) => {
                let timer = world.number();
                world.note(Note::SetsTimer { who, timer, after: Duration::from_millis(*time) });
                let source = ctx.send_after(Duration::from_millis(*time), Later(timer));
                self.sources.push(Source::Timer(timer, source));
            }
            Act::Every(period, catch_up, times) => self.every(*period, *catch_up, *times, who, ctx),
            Act::Stream(items, pause) => self.attach(*items, *pause, who, ctx),
            Act::Pipe(time) => {
                let (timer, passing, time) = (world.number(), world.clone(), *time);
                world.note(Note::SetsTimer { who, timer, after: Duration::ZERO });
                ctx.pipe(async move {
                    passing.sway().await;
                    passing.pass(time).await;
                    Later(timer)
                });
            }
            Act::TakeBack => self.take_back(who, ctx),
            Act::Serve(serve) => {
                let me = world.known().get(&who.id).map(|known| known.anyone.clone());
                if let Some(me) = me {
                    me.serve(&world, *serve);
                }
            }
            Act::Publish(topic) => services::publish(&world, Sender::Actor(who.id), *topic),
            Act::End(way) => {
                world.note(Note::Asks { by: Sender::Actor(who.id), to: who.id, life: who.life, way: *way });
                match way {
                    Way::Stop => ctx.stop(),
                    Way::Drain => ctx.drain(),
                    Way::Kill => ctx.actor_ref().kill(),
                }
            }
            Act::Tie(knot) => self.tie(*knot, who, ctx),
            Act::Help(time) => {
                let (world, time, token) = (world.clone(), *time, world.token());
                drop(ctx.spawn_task(async move {
                    let _token = token;
                    world.sway().await;
                    world.pass(time).await;
                }));
            }
            Act::BadHelp => {
                let world = world.clone();
                drop(ctx.spawn_task(async move {
                    world.sway().await;
                    panic!("simulated: helper");
                }));
            }
            Act::Manage(child, how) => grow::manage(self, *child, *how, who, ctx).await?,
            Act::RequestShutdown => {
                grow::begin_shutdown(&world, None);
                ctx.system().request_shutdown();
            }
            Act::AwaitShutdown => {
                let report = ctx.system().shutdown().await;
                if !matches!(report.outcome, actors_core::Outcome::WouldDeadlock { .. }) {
                    world.wrong(format!("S7.3: a shutdown awaited inside the system came out as {:?}", report.outcome));
                }
            }
        }
        Ok(())
    }

    fn tie(&mut self, knot: Knot, who: Who, ctx: &mut Context<Self>) {
        let world = self.world.clone();
        let me = |world: &World| world.known().get(&who.id).map(|known| known.anyone.clone());
        match knot {
            Knot::Link(to, kind) => {
                if let (Some(me), Some(peer)) = (me(&world), world.who(to)) {
                    me.link(&world, &peer, kind);
                }
            }
            Knot::Unlink(to) => {
                if let (Some(me), Some(peer)) = (me(&world), world.who(to)) {
                    me.unlink(&world, &peer);
                }
            }
            Knot::Monitor(to) => {
                if let Some(target) = world.who(to) {
                    let monitor = target.watched_by(ctx);
                    world.note(Note::Watches { watcher: who, target: target.id(), monitor });
                    self.monitors.push(monitor);
                }
            }
            Knot::Demonitor => {
                if let Some(monitor) = self.monitors.pop() {
                    ctx.demonitor(monitor);
                    world.note(Note::Unwatches(who, monitor));
                }
            }
        }
    }
}

/// What an actor does instead whose handlers never wait.
fn at_once(act: &Act) -> Act {
    match act {
        Act::Sleep(time) => Act::Later(*time),
        Act::Send(to, _, order) => Act::Send(*to, How::TryTell, order.clone()),
        Act::Hang | Act::AwaitShutdown | Act::Manage(_, Manage::Make | Manage::Terminate | Manage::Restart) => Act::Nothing,
        other => other.clone(),
    }
}

/// Never returns; where there is no time for a limit, it does after a while.
async fn hang(world: &World) {
    if world.has_time {
        pending().await
    } else {
        world.pass(20).await;
    }
}

/// Code of an actor runs here, until this is dropped.
struct Here {
    world: Arc<World>,
    who: Who,
    place: Place,
    message: Option<Number>,
}

impl Here {
    fn enter(world: &Arc<World>, who: Who, place: Place) -> Self {
        world.acts(who, 1);
        world.note(Note::Enters(who, place));
        Here { world: world.clone(), who, place, message: None }
    }

    fn handle(world: &Arc<World>, who: Who, message: Number, control: bool) -> Self {
        world.note(Note::Took { who, message, control });
        let mut here = Here::enter(world, who, Place::Handler);
        here.message = Some(message);
        here
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.world.acts(self.who, -1);
        self.world.note(Note::Leaves(self.who, self.place));
        if let Some(message) = self.message {
            self.world.note(Note::LetGo { who: self.who, message });
        }
    }
}

/// What the journal says of a dead letter.
pub fn note_of(letter: &actors_core::DeadLetter) -> Note {
    let reason = letter.reason();
    if let Some(news) = letter.take::<News>() {
        return Note::DeadNews { news: news.number, path: letter.path().clone(), reason };
    }
    if let Some(job) = letter.take::<Job>() {
        return Note::DeadJob { job: job.number };
    }
    Note::Dead { message: letter.take::<Work>().map(|work| work.number), reason }
}
