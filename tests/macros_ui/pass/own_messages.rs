//! Messages of the author's own, boxed or not, which several actors may handle.

use actors_core::{Actor, ActorSystem, Context, Recipient, messages};

#[derive(Clone)]
struct Frame {
    bytes: [u8; 4],
}

mod log {
    pub struct Line(pub &'static str);
}

mod drawing {
    pub struct Line(pub u8, pub u8);
}

#[derive(Actor)]
struct Reader {
    seen: Vec<u8>,
}

#[messages]
impl Reader {
    #[handle]
    fn on(&mut self, Frame { bytes }: Frame) {
        self.seen.extend(bytes);
    }

    #[handle(boxed)]
    async fn on_many(&mut self, frames: Vec<Frame>, _ctx: &mut Context<Self>) -> usize {
        frames.len()
    }

    #[handle]
    fn on_line(&mut self, line: log::Line) -> Result<usize, std::fmt::Error> {
        Ok(line.0.len())
    }

    #[handle]
    fn on_another_line(&mut self, line: drawing::Line) -> u8 {
        line.1 - line.0
    }

    #[handle]
    fn on_number(&mut self, n: u64) -> u64 {
        n + self.seen.len() as u64
    }
}

#[derive(Actor)]
struct Tally {
    frames: u64,
}

#[messages]
impl Tally {
    #[handle]
    fn on(&mut self, _frame: Frame) {
        self.frames += 1;
    }

    #[message]
    fn frames(&self) -> u64 {
        self.frames
    }
}

#[tokio::test]
async fn runs() {
    let system = ActorSystem::new("frames");
    let reader = system.spawn(Reader { seen: Vec::new() });
    let tally = system.spawn(Tally { frames: 0 });
    let everybody: Vec<Recipient<Frame>> = vec![reader.recipient(), tally.recipient()];
    let frame = Frame { bytes: [1; 4] };
    for one in &everybody {
        one.tell(frame.clone()).await.unwrap();
    }
    assert_eq!(reader.ask(vec![frame.clone(), frame]).await.unwrap(), 2);
    assert_eq!(reader.ask(log::Line("four")).await.unwrap(), 4);
    assert_eq!(reader.ask(drawing::Line(2, 5)).await.unwrap(), 3);
    assert_eq!(reader.ask(1).await.unwrap(), 5);
    assert_eq!(tally.ask(Frames).await.unwrap(), 1);
    assert!(system.shutdown().await.is_clean());
}
