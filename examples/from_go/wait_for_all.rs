//! Waiting for all, one of which panics.
//!
//! ```go
//! for _, page := range pages {
//!     wg.Add(1)
//!     go func() { defer wg.Done(); fetch(page) }()   // a panic in one ends the process
//! }
//! wg.Wait()
//!
//! g, ctx := errgroup.WithContext(ctx)                // the first error cancels the others
//! g.Go(func() error { return fetch(ctx, page) })
//! err := g.Wait()
//! ```
//!
//! Here a panic is an outcome like any other: of a helper task, for whoever awaits it; of a member of a peer group, for the
//! group, which falls whole and says who was first. Nobody is stranded, and the report remembers it.

use actors_core::{Actor, ActorSystem, Context, ExitReason, JobError, Outcome, messages};
use tokio::sync::oneshot;

/// As a `WaitGroup` does: all run to their end, whatever becomes of the others.
#[derive(Actor)]
struct Gather;

#[messages]
impl Gather {
    #[message]
    async fn fetch_all(&mut self, pages: Vec<u32>, ctx: &mut Context<Self>) -> Vec<Result<u32, JobError>> {
        let jobs: Vec<_> = pages.into_iter().map(|page| ctx.spawn_task(async move { fetch(page) })).collect();
        let mut fetched = Vec::new();
        for job in jobs {
            fetched.push(job.await);
        }
        fetched
    }
}

/// As an `errgroup` does: the first that fails stops the others.
#[derive(Actor)]
struct Session {
    ended: Option<oneshot::Sender<actors_core::GroupReport>>,
}

#[messages]
impl Session {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        let group = ctx.peer_group("pages");
        let ended = self.ended.take().expect("opened once");
        group.on_end(|report| ended.send(report).expect("somebody waits for it"));
        let pages = [12, 13, 14].map(|page| group.spawn_with(Page { page }, |actor| actor.name(format!("page {page}"))));
        for page in pages {
            let _ = page.try_tell(Load); // refused by one that has fallen with another
        }
    }
}

#[derive(Actor)]
struct Page {
    page: u32,
}

#[messages]
impl Page {
    #[message]
    fn load(&mut self) {
        fetch(self.page);
    }
}

fn fetch(page: u32) -> u32 {
    assert!(page != 13, "page 13 is missing");
    page * 100
}

pub async fn run() {
    let system = ActorSystem::new("wait_for_all");
    let gather = system.spawn(Gather);
    let fetched = gather.ask(FetchAll { pages: vec![12, 13, 14] }).await.unwrap();
    assert!(matches!(fetched[..], [Ok(1200), Err(JobError::Panicked(_)), Ok(1400)]));
    assert!(gather.is_alive()); // it has awaited them, so the failure was its to judge
    println!("   12 and 14 are there; of 13, {}", fetched[1].as_ref().unwrap_err());

    let (ended, report) = oneshot::channel();
    let session = system.actor(Session { ended: Some(ended) }).name("session").spawn();
    let report = report.await.unwrap();
    assert_eq!(report.members.len(), 3);
    assert!(matches!(report.first.1, ExitReason::Panicked { .. }));
    println!("   first to end: {}, {}", report.first.0, report.first.1);
    println!("   and so, of the session: {}", session.stopped().await);

    let report = system.shutdown().await;
    assert_eq!((&report.outcome, report.failed), (&Outcome::Failed, 1));
}
