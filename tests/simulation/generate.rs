//! Makes a program from a seed: the same seed makes the same program.

use actors_core::{AutoShutdown, CatchUp, LinkKind, OnStop, Overflow, Restart, Routing, Strategy};
use fastrand::Rng;

use crate::program::{
    Act, Answer, Deed, Ending, Fate, How, JobHow, Kind, Knot, Manage, NEVER_WAITS, Order, Plan, Pool, Program, Serve, Setup, Slot, Start,
    Step, Stop, Way,
};

/// Which sets of hooks there are; each is a type of actor of its own.
const HOOKS: [u8; 6] = [0, 1, 2, 4, 5, 7];
/// The same of those whose handlers never wait.
const HOOKS_AT_ONCE: [u8; 4] = [8, 10, 12, 15];

const TIMES: [u64; 8] = [1, 2, 5, 10, 40, 200, 1_000, 7_000];

/// Makes the program of a seed.
pub fn program(seed: u64) -> Program {
    let mut rng = Rng::with_seed(seed);
    let trouble = rng.u32(0..=30);
    let mut making = Making { rng, trouble, actors: Vec::new() };
    making.grow();
    let mut steps = making.steps();
    let ending = making.ending();
    let linger = if making.one_in(3) { Some(making.pick(&[1, 2, 5])) } else { None };
    // Last, so that what has no pool is the same as ever.
    let pool = if making.one_in(4) { Some(making.pool(&mut steps)) } else { None };
    Program { seed, actors: making.actors, steps, ending, linger, pool }
}

struct Making {
    rng: Rng,
    /// How many in a hundred things go wrong.
    trouble: u32,
    actors: Vec<Plan>,
}

impl Making {
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn goes_wrong(&mut self) -> bool {
        self.rng.u32(0..100) < self.trouble
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(0..of.len())]
    }

    fn time(&mut self) -> u64 {
        self.pick(&TIMES)
    }

    fn slot(&mut self) -> Slot {
        self.rng.usize(0..self.actors.len())
    }

    // ===== actors =====

    fn grow(&mut self) {
        let most = if self.one_in(20) { 40 } else { 12 };
        let count = self.rng.usize(1..=most);
        for slot in 0..count {
            // Deep or wide: below the last one, or below any.
            let above = match slot {
                0 => None,
                _ if self.one_in(4) => None,
                _ if self.one_in(3) => Some(slot - 1),
                _ => Some(self.rng.usize(0..slot)),
            };
            let plan = self.plan(above);
            if let Some(above) = above {
                let hooks = &mut self.actors[above].hooks;
                *hooks = match *hooks | 1 {
                    3 => 7,
                    9..=15 => 15,
                    known => known,
                };
            }
            self.actors.push(plan);
        }
        // Ties go to anybody, also to those who are made later.
        for slot in 0..count {
            if self.one_in(4) {
                let knot = self.knot(slot);
                self.actors[slot].ties.push(knot);
            }
        }
    }

    fn plan(&mut self, above: Option<Slot>) -> Plan {
        let kind = if above.is_some() && !self.one_in(3) {
            let restart = self.pick(&[Restart::Permanent, Restart::Permanent, Restart::Transient, Restart::Temporary]);
            let backoff = if self.one_in(4) { Some(self.time()) } else { None };
            Kind::Child { restart, backoff, significant: restart != Restart::Permanent && self.one_in(4) }
        } else {
            Kind::Plain
        };
        let setup = self.setup();
        if let (Kind::Child { significant: true, .. }, Some(above)) = (&kind, above) {
            self.actors[above].setup.auto_shutdown =
                if self.rng.bool() { AutoShutdown::AnySignificant } else { AutoShutdown::AllSignificant };
        }
        let starts = (0..self.rng.usize(0..=2)).map(|_| self.start()).collect();
        let stop = self.stop();
        Plan {
            above,
            left_out: false,
            hooks: if self.one_in(3) { self.pick(&HOOKS_AT_ONCE) } else { self.pick(&HOOKS) },
            named: !self.one_in(3),
            awaited: self.rng.bool(),
            later: above.is_some() && self.one_in(8),
            starts,
            stop,
            bad_drop: self.goes_wrong() && self.one_in(3),
            significant: self.one_in(30) && kind == Kind::Plain,
            unwatched: self.one_in(3),
            setup,
            ties: Vec::new(),
            group: if above.is_some() && kind == Kind::Plain && self.one_in(3) { Some(self.rng.u8(0..2)) } else { None },
            kind,
        }
    }

    fn setup(&mut self) -> Setup {
        let mut setup = Setup::default();
        if self.one_in(2) {
            setup.capacity = self.pick(&[Some(1), Some(2), Some(3), Some(8), None]);
        }
        if self.one_in(3) {
            setup.overflow = self.pick(&[Overflow::Reject, Overflow::DropNewest, Overflow::DropOldest]);
        }
        if self.one_in(3) {
            setup.on_stop = OnStop::Drain;
        }
        if self.one_in(4) {
            setup.stash = self.pick(&[0, 1, 2]);
        }
        setup.cancels = self.one_in(5);
        setup.side_by_side = self.one_in(5);
        let mut limit = |in_: u32| if self.rng.u32(0..in_) == 0 { Some(TIMES[self.rng.usize(2..8)]) } else { None };
        setup.stop_limit = limit(4);
        setup.hook_limit = limit(5);
        setup.start_limit = limit(4);
        setup.handler_limit = limit(10);
        setup.ask_limit = limit(5);
        setup.strategy = self.pick(&[Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne]);
        setup.restarts = self.rng.u32(0..6);
        setup
    }

    fn start(&mut self) -> Start {
        if self.one_in(6) {
            return Start::Takes(self.time());
        }
        if !self.goes_wrong() {
            return Start::Ready;
        }
        self.pick(&[Start::Hangs, Start::Fails, Start::Fails, Start::Panics, Start::Declines, Start::Leaves])
    }

    fn stop(&mut self) -> Stop {
        if self.one_in(6) {
            return Stop::Takes(self.time());
        }
        if !self.goes_wrong() {
            return Stop::AtOnce;
        }
        self.pick(&[Stop::Hangs, Stop::Fails, Stop::Panics])
    }

    fn knot(&mut self, from: Slot) -> Knot {
        let to = self.slot();
        let kind = self.pick(&[LinkKind::OnFailure, LinkKind::OnFailure, LinkKind::OnExit, LinkKind::Notify]);
        match self.rng.u32(0..10) {
            0..=3 => Knot::Link(to, kind),
            4 => Knot::Unlink(to),
            5..=6 => Knot::Demonitor,
            7 => Knot::Monitor(self.actors[from].above.unwrap_or(to)),
            _ => Knot::Monitor(to),
        }
    }

    // ===== steps =====

    fn steps(&mut self) -> Vec<Step> {
        let clients = self.rng.u8(1..=4);
        let most = if self.one_in(10) { 120 } else { 40 };
        let mut steps = Vec::new();
        for _ in 0..self.rng.usize(0..=most) {
            let client = self.rng.u8(0..clients);
            let deeds = match self.rng.u32(0..40) {
                5..=8 => self.come_alone(),
                0..=2 => self.tie_and_untie(),
                3 => self.publish_to_a_busy_one(),
                4 => self.come_and_go(),
                _ => vec![self.deed()],
            };
            steps.extend(deeds.into_iter().map(|deed| Step { client, deed }));
        }
        steps
    }

    /// Ties one to another, ends that, and unties them: what comes of it may be on its way.
    fn tie_and_untie(&mut self) -> Vec<Deed> {
        let (me, other, kind) = (self.slot(), self.slot(), self.pick(&[LinkKind::OnFailure, LinkKind::Notify]));
        let (tie, untie) =
            if self.rng.bool() { (Knot::Monitor(other), Knot::Demonitor) } else { (Knot::Link(other, kind), Knot::Unlink(other)) };
        let mut tell =
            |act| Deed::Send { to: me, how: How::TryTell, work: Order { act, answer: Answer::Echo, stash: 0, control: self.one_in(4) } };
        let (first, last) = (tell(Act::Tie(tie)), tell(Act::Tie(untie)));
        let pause = if self.rng.bool() { Act::Sleep(self.time()) } else { Act::Nothing };
        let hold = Deed::Send { to: me, how: How::TryTell, work: Order { act: pause, answer: Answer::Echo, stash: 0, control: false } };
        vec![first, hold, Deed::End { who: other, how: self.way() }, last]
    }

    /// Publishes more than may have room with a subscriber that is busy.
    fn publish_to_a_busy_one(&mut self) -> Vec<Deed> {
        let (me, topic) = (self.slot(), self.service());
        let work = Order { act: Act::Sleep(self.time()), answer: Answer::Echo, stash: 0, control: false };
        let mut deeds =
            vec![Deed::Serve(me, Serve::Subscribe(topic, self.pick(&[1, 1, 2, 5]))), Deed::Send { to: me, how: How::TryTell, work }];
        deeds.extend((0..self.rng.usize(2..12)).map(|_| Deed::Publish(topic)));
        deeds
    }

    /// Has messages come alone, to one that may never wait: each finds nothing else to do, and nothing comes after it that would bring about
    /// what it has left.
    fn come_alone(&mut self) -> Vec<Deed> {
        let never_waits: Vec<Slot> = (0..self.actors.len()).filter(|&slot| self.actors[slot].hooks & NEVER_WAITS != 0).collect();
        let me = if never_waits.is_empty() { self.slot() } else { self.pick(&never_waits) };
        let other = self.slot();
        let pause = self.pick(&[1, 40, 200]);
        let mut deeds = Vec::new();
        let busy = match self.rng.u32(0..5) {
            0 => Act::Later(7_000),
            1 => Act::Every(1_000, CatchUp::Skip, 2),
            2 => Act::Stream(2, 1_000),
            3 => Act::Serve(Serve::Subscribe(self.service(), 1)),
            _ => Act::Nothing,
        };
        // More of them before may have given it a task.
        for _ in 0..self.pick(&[0, 0, 1, 20, 40]) {
            deeds.push(self.alone(me, Act::Nothing, 0));
        }
        deeds.push(self.alone(me, busy, 0));
        for _ in 0..self.rng.usize(1..4) {
            match self.rng.u32(0..4) {
                0 => {
                    deeds.push(self.alone(me, Act::Tie(Knot::Monitor(other)), 0));
                    let to_me =
                        Act::Send(me, How::TryTell, Box::new(Order { act: Act::Nothing, answer: Answer::Echo, stash: 0, control: false }));
                    deeds.push(Deed::Wait(pause));
                    deeds.push(self.alone(other, to_me, 0));
                    deeds.push(Deed::End { who: other, how: self.way() });
                }
                _ => {
                    let times = self.pick(&[1, 1, 2]);
                    deeds.push(self.alone(me, Act::Nothing, times));
                    deeds.push(Deed::Wait(pause));
                    deeds.push(self.alone(me, Act::Unstash, 0));
                }
            }
            deeds.push(Deed::Wait(pause));
        }
        deeds
    }

    /// A message, or a request with a limit or without.
    fn alone(&mut self, to: Slot, act: Act, stash: u8) -> Deed {
        let how = self.pick(&[How::TryTell, How::TryTell, How::Tell, How::AskAndLeave(1), How::AskWithin(2)]);
        Deed::Send { to, how, work: Order { act, answer: Answer::Echo, stash, control: false } }
    }

    /// Has one watch a group while others join and leave it.
    fn come_and_go(&mut self) -> Vec<Deed> {
        let group = self.service();
        let mut deeds = vec![Deed::Serve(self.slot(), Serve::Watch(group))];
        for _ in 0..self.rng.usize(1..4) {
            let member = self.slot();
            deeds.push(Deed::Serve(member, Serve::Join(group)));
            if self.rng.bool() {
                deeds.push(Deed::Serve(member, Serve::Leave(group)));
            }
        }
        deeds
    }

    fn deed(&mut self) -> Deed {
        match self.rng.u32(0..116) {
            100..=107 => Deed::Serve(self.slot(), self.serve()),
            108..=113 => Deed::Publish(self.service()),
            114..=115 => Deed::PublishAndWait(self.service(), self.time()),
            0..=69 => {
                let to = self.slot();
                Deed::Send { to, how: self.how(), work: self.order(to, 2) }
            }
            70..=77 => Deed::End { who: self.slot(), how: self.way() },
            78..=79 => Deed::Link(self.slot(), self.slot(), LinkKind::OnFailure),
            80 => Deed::Unlink(self.slot(), self.slot()),
            81 => Deed::Look,
            82 if self.one_in(10) => Deed::RequestShutdown,
            83 if self.one_in(10) => Deed::ShutDown(if self.rng.bool() { Some(self.deadline()) } else { None }),
            _ => Deed::Wait(self.time()),
        }
    }

    /// A few, so that many meet there.
    fn service(&mut self) -> u8 {
        self.rng.u8(0..2)
    }

    fn serve(&mut self) -> Serve {
        let service = self.service();
        match self.rng.u32(0..14) {
            0..=4 => Serve::Subscribe(service, self.pick(&[1, 1, 2, 5])),
            5 => Serve::Unsubscribe(service),
            6..=8 => Serve::Join(service),
            9 => Serve::Leave(service),
            10..=12 => Serve::Watch(service),
            _ => Serve::Unwatch(service),
        }
    }

    fn how(&mut self) -> How {
        match self.rng.u32(0..11) {
            10 => How::TellAndForget(self.rng.u8(0..12)),
            0..=3 => How::Tell,
            4 => How::TellWithin(self.time()),
            5 => How::TryTell,
            6 => How::Ask,
            7..=8 => How::AskWithin(self.time()),
            _ => How::AskAndLeave(self.time()),
        }
    }

    fn way(&mut self) -> Way {
        self.pick(&[Way::Stop, Way::Stop, Way::Drain, Way::Kill])
    }

    /// What `to` is to do; `depth` says how far that may go on to others.
    fn order(&mut self, to: Slot, depth: u32) -> Order {
        let act = self.act(to, depth);
        let answer = match self.rng.u32(0..10) {
            0 if self.goes_wrong() => Answer::Error,
            1 => Answer::None,
            2 => Answer::Later(self.time()),
            _ => Answer::Echo,
        };
        Order { act, answer, stash: if self.one_in(8) { self.rng.u8(1..=2) } else { 0 }, control: self.one_in(10) }
    }

    fn act(&mut self, me: Slot, depth: u32) -> Act {
        if self.goes_wrong() && self.one_in(2) {
            return match self.rng.u32(0..5) {
                0 => Act::Hang,
                1 => Act::Panic,
                2 => Act::BadHelp,
                _ => Act::Fail,
            };
        }
        match self.rng.u32(0..56) {
            40..=41 => Act::Every(self.time(), self.pick(&[CatchUp::Skip, CatchUp::Burst, CatchUp::Delay]), self.rng.u8(1..=5)),
            42..=43 => Act::Stream(self.rng.u8(0..=4), if self.rng.bool() { 0 } else { self.time() }),
            44 => Act::Pipe(self.time()),
            45..=46 => Act::TakeBack,
            47..=52 => Act::Serve(self.serve()),
            53..=55 => Act::Publish(self.service()),
            0..=9 => Act::Nothing,
            10..=14 => Act::Sleep(self.time()),
            15..=17 => Act::Unstash,
            18..=23 if depth > 0 => {
                let to = self.slot();
                Act::Send(to, self.how(), Box::new(self.order(to, depth - 1)))
            }
            24..=25 => Act::Later(self.time()),
            26 => Act::End(self.way()),
            27..=30 => Act::Tie(self.knot(me)),
            31 => Act::Help(self.time()),
            32..=37 => {
                let children: Vec<Slot> = (0..self.actors.len()).filter(|&slot| self.actors[slot].above == Some(me)).collect();
                match children.as_slice() {
                    [] => Act::Nothing,
                    children => {
                        let child = self.pick(children);
                        Act::Manage(child, self.pick(&[Manage::Make, Manage::Terminate, Manage::Restart, Manage::Remove, Manage::Stop]))
                    }
                }
            }
            38 if self.one_in(10) => Act::RequestShutdown,
            39 if self.one_in(10) => Act::AwaitShutdown,
            _ => Act::Nothing,
        }
    }

    // ===== pools =====

    /// A pool, and what is done with it, somewhere among the other steps.
    fn pool(&mut self, steps: &mut Vec<Step>) -> Pool {
        let clients = self.rng.u8(1..=4);
        let resizes = self.rng.bool();
        for _ in 0..self.rng.usize(1..=40) {
            let deed = self.deed_with_pool(resizes);
            let place = self.rng.usize(0..=steps.len());
            steps.insert(place, Step { client: self.rng.u8(0..clients), deed });
        }
        Pool {
            workers: self.rng.usize(1..=4),
            routing: self.pick(&[Routing::RoundRobin, Routing::LeastLoaded]),
            capacity: self.pick(&[None, Some(1), Some(2)]),
            rejects: self.one_in(4),
            restarts: self.pick(&[0, 1, 3, 100]),
            kept: self.rng.bool(),
            bad_starts: if self.goes_wrong() { vec![self.rng.usize(0..6), self.rng.usize(0..12)] } else { Vec::new() },
        }
    }

    fn deed_with_pool(&mut self, resizes: bool) -> Deed {
        match self.rng.u32(0..30) {
            0..=1 if resizes => Deed::Resize(self.rng.usize(0..=6)),
            2 if self.one_in(3) => Deed::EndPool(self.way()),
            3..=4 => Deed::EndWorker(self.rng.usize(0..4), self.way()),
            5..=7 => Deed::Wait(self.time()),
            _ => {
                let how = match self.rng.u32(0..12) {
                    0..=3 => JobHow::Tell,
                    4 => JobHow::TryTell,
                    5..=7 => JobHow::Ask,
                    8 => JobHow::AskWithin(self.time()),
                    9 => JobHow::Retry(self.rng.u32(0..3)),
                    _ => JobHow::Broadcast,
                };
                let key = if self.rng.bool() { Some(self.rng.u8(0..3)) } else { None };
                Deed::Job(how, key, self.fate())
            }
        }
    }

    fn fate(&mut self) -> Fate {
        match self.rng.u32(0..10) {
            0 if self.goes_wrong() => Fate::Fails,
            1..=2 if self.goes_wrong() => Fate::Panics(self.rng.u32(1..=2)),
            3 => Fate::Refuses,
            4..=6 => Fate::Takes(self.time()),
            _ => Fate::Done,
        }
    }

    // ===== the end =====

    /// At least as long as the machine may stand still, since the watchdog goes by the clock of the machine.
    fn deadline(&mut self) -> u64 {
        self.pick(&[5_000, 8_000, 25_000, 60_000])
    }

    fn ending(&mut self) -> Ending {
        let deadline = self.deadline();
        let mut shutdowns = Vec::new();
        for nth in 0..self.pick(&[1, 1, 1, 2, 3]) {
            let delay = if nth == 0 || self.rng.bool() { 0 } else { self.time() };
            let within = if self.one_in(3) { Some(self.deadline()) } else { None };
            shutdowns.push((delay, within));
        }
        let after = self.pick(&[0, 1, 3, 10, 100, 1_000, 10_000, 100_000]);
        Ending { after, deadline, shutdowns, dropped: self.one_in(12) }
    }
}
