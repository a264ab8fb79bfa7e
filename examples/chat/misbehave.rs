//! Misbehaviour on demand, to see what a shutdown does with it. Only with `--misbehave`.

use actors_core::{Actor, Context, Protocol, messages};
use tokio::runtime::Handle;

pub enum Misdeed {
    /// Awaits for ever in a handler of the session.
    Hang,
    /// Blocks every worker thread of the runtime.
    Block,
}

impl Misdeed {
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "/hang" => Some(Misdeed::Hang),
            "/block" => Some(Misdeed::Block),
            _ => None,
        }
    }
}

/// Gives each worker of the runtime a handler that never gives it back.
pub fn block_all_workers<A: Protocol>(ctx: &Context<A>) {
    for _ in 0..Handle::current().metrics().num_workers() {
        // A new mailbox has room.
        let _ = ctx.spawn(Blocker).try_tell(Block);
    }
}

#[derive(Actor)]
struct Blocker;

#[messages]
impl Blocker {
    #[message]
    fn block(&self, ctx: &mut Context<Self>) {
        eprintln!("chat: {} blocks its thread", ctx.path());
        loop {
            std::thread::park();
        }
    }
}
