//! A cancellation tree, a timeout and a deadline.
//!
//! ```go
//! ctx, cancel := context.WithCancel(parent)        // hand ctx to all below, check it everywhere
//! go crawl(ctx)
//! cancel()                                         // asks them to end; whether they have, a WaitGroup must say
//!
//! ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
//! defer cancel()
//! hit, err := index.Find(ctx, word)                // which hands ctx to disk.Read
//! deadline, ok := ctx.Deadline()
//! ```
//!
//! Here the tree of actors is the tree of contexts: `stop` on one is `cancel` for all below it, and `stopped` waits until
//! they have ended. A limit belongs to an ask, and what is asked on the way inherits what is left of it.

use std::time::{Duration, Instant};

use actors_core::{Actor, ActorRef, ActorSystem, AskError, Context, ReplyTo, StartError, Stopping, messages};
use tokio::time::{sleep, timeout_at};

const AN_HOUR: Duration = Duration::from_secs(3_600);

#[derive(Actor)]
struct Crawl {
    depth: u32,
}

#[messages]
impl Crawl {
    #[started]
    async fn branch(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        if self.depth > 0 {
            for _ in 0..2 {
                ctx.start(Crawl { depth: self.depth - 1 }).await?.try_tell(Fetch).expect("its mailbox is empty");
            }
        }
        Ok(())
    }

    #[message]
    async fn fetch(&mut self, ctx: &mut Context<Self>) {
        // select { case <-ctx.Done(): return ctx.Err(); case page := <-pages: ... }
        let page = ctx.unless_stopping(sleep(AN_HOUR)).await;
        assert_eq!(page, Err(Stopping));
    }
}

#[derive(Actor)]
struct Index {
    disk: ActorRef<Disk>,
}

#[messages]
impl Index {
    #[message]
    async fn find(&mut self) -> Result<u64, AskError<Read>> {
        self.disk.ask(Read).await // names no limit, and has what is left of its own asker's
    }
}

#[derive(Actor)]
struct Disk {
    given_up: u32,
}

#[messages]
impl Disk {
    #[message]
    async fn read(&mut self, reply: ReplyTo<u64>) {
        let deadline = reply.deadline().expect("somebody set a limit");
        match timeout_at(deadline, sleep(AN_HOUR)).await {
            Ok(()) => reply.send(42),
            Err(_) => self.given_up += 1, // nobody waits any more
        }
    }

    #[message]
    fn given_up(&self) -> u32 {
        self.given_up
    }
}

pub async fn run(system: &ActorSystem) {
    let kept = system.actor(Crawl { depth: 1 }).name("kept").start().await.unwrap();
    let cancelled = system.start(Crawl { depth: 3 }).await.unwrap();
    assert_eq!(system.actors(), 3 + 15);
    cancelled.stop(); // cancel()
    let reason = cancelled.stopped().await; // wg.Wait()
    assert_eq!(system.actors(), 3);
    assert!(kept.is_alive());
    println!("   15 actors on 4 levels cancelled and gone ({reason}); the tree beside them has noticed nothing");

    let disk = system.actor(Disk { given_up: 0 }).name("disk").spawn();
    let index = system.actor(Index { disk: disk.clone() }).name("index").spawn();
    let began = Instant::now();
    let error = index.ask(Find).within(Duration::from_millis(200)).await.unwrap_err();
    println!("   after {:?}: {error}", began.elapsed());
    assert_eq!(disk.ask(GivenUp).await.unwrap(), 1); // the disk gave up too, and has time for us
}
