//! A child that is being started when one fails that takes it along: it has begun with the old one, and is started again (S10.2).

use std::sync::{Arc, Mutex, OnceLock};

use actors_core::{Actor, ActorRef, AskError, ChildSpec, Strategy, Supervisor, messages};
use tests::lived::{End, Life, Lived, Stage, Start};
use tests::{Gate, eventually};
use tokio::time::{Duration, Instant, sleep};

use crate::cast::settle;

const GROUPS: [Strategy; 2] = [Strategy::OneForAll, Strategy::RestForOne];

fn group(strategy: Strategy) -> Supervisor {
    Supervisor::new().strategy(strategy).restarts(9, Duration::from_secs(60))
}

/// What is noted from the `from`th entry on, until both run as they should.
async fn repaired(stage: &Stage, from: usize, lives: [u32; 2]) -> Vec<String> {
    eventually("both run", || {
        let runs = |(name, life): (&str, u32)| stage.find(name).is_some_and(|it| it.has_started() && it.incarnation() == u64::from(life));
        ["a", "b"].into_iter().zip(lives).all(runs)
    })
    .await;
    settle().await;
    for (name, life) in ["a", "b"].into_iter().zip(lives) {
        assert_eq!(stage.worker(name).ask(Life).await.expect("it answers"), life);
    }
    stage.journal.entries().split_off(from)
}

#[tokio::test(start_paused = true)]
async fn one_that_is_started_again_is_stopped_and_started_once_more() {
    for strategy in GROUPS {
        let (stage, gate) = (Stage::new(), Gate::new());
        let at = gate.clone();
        let b = stage.plan("b").starts(move |life| if life == 1 { Start::At(at.clone()) } else { Start::Ready });
        stage.supervise(group(strategy).child(stage.spec("a")).child(b.spec())).await;
        stage.worker("b").tell(End::Fail).await.unwrap();
        gate.reached().await;
        let (before, a) = (stage.journal.len(), stage.worker("a").incarnation() as u32);

        stage.worker("a").tell(End::Fail).await.unwrap();
        sleep(Duration::from_millis(1)).await;
        gate.open_wide();

        let noted = repaired(&stage, before, [a + 1, 2]).await;
        let stopped_and_started =
            [format!("stop a{a}"), "start b1".into(), "stop b1".into(), format!("start a{}", a + 1), "start b2".into()];
        assert_eq!(noted, stopped_and_started, "{strategy:?}");
        stage.system.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_started_by_hand_is_stopped_and_started_again_once_it_is_ready() {
    for strategy in GROUPS {
        let (stage, gate) = (Stage::new(), Gate::new());
        let at = gate.clone();
        let b = stage.plan("b").starts(move |life| if life == 0 { Start::At(at.clone()) } else { Start::Ready });
        let supervisor = stage.supervise(group(strategy).child(stage.spec("a"))).await;
        let spec = b.spec();
        let added = tokio::spawn(async move { supervisor.add_child(spec).await.map(drop) });
        gate.reached().await;
        let before = stage.journal.len();

        stage.worker("a").tell(End::Fail).await.unwrap();
        stage.noted("start a1", 1).await;
        gate.open_wide();

        added.await.expect("nobody aborts it").expect("it starts");
        let noted = repaired(&stage, before, [1, 1]).await;
        assert_eq!(noted, ["stop a0", "start a1", "start b0", "stop b0", "start b1"], "{strategy:?}");
        stage.system.shutdown().await;
    }
}

/// Asks its sibling when it starts anew.
#[derive(Actor)]
struct Needy {
    sibling: Arc<OnceLock<ActorRef<Lived>>>,
    answers: Arc<Mutex<Vec<bool>>>,
}

#[messages]
impl Needy {
    #[started]
    async fn begin(&mut self) {
        if let Some(sibling) = self.sibling.get() {
            let is_first = self.answers.lock().expect("nobody panics there").is_empty();
            if is_first {
                sibling.tell(End::Fail).await.expect("it is open");
            }
            let answer = sibling.ask(Life).await;
            assert!(matches!(answer, Ok(_) | Err(AskError::WouldDeadlock(_))), "{answer:?}");
            self.answers.lock().expect("nobody panics there").push(answer.is_ok());
        }
    }

    #[message]
    fn fail(&self) {
        panic!("asked to");
    }
}

#[tokio::test(start_paused = true)]
async fn one_whose_start_asks_the_one_that_failed_holds_up_no_repair() {
    for strategy in GROUPS {
        let (stage, began) = (Stage::new(), Instant::now());
        let (sibling, answers) = (Arc::<OnceLock<_>>::default(), Arc::<Mutex<Vec<bool>>>::default());
        let shared = (sibling.clone(), answers.clone());
        let needy = ChildSpec::new("needy", move || Needy { sibling: shared.0.clone(), answers: shared.1.clone() });
        stage.supervise(group(strategy).child(stage.spec("a")).child(needy)).await;
        sibling.set(stage.worker("a")).expect("nobody else does");
        let needy: ActorRef<Needy> = stage.system.lookup("/sup/needy").expect("it is there");

        needy.tell(Fail).await.expect("it is open");

        eventually("it has begun with the new one", || *answers.lock().expect("nobody panics there") == [false, true]).await;
        eventually("it runs", || needy.has_started() && needy.incarnation() == 2).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        stage.system.shutdown().await;
    }
}
