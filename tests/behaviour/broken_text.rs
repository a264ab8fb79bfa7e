//! Errors of users that panic when somebody wants to know what they say, or lets go of them: nobody is harmed.

use std::fmt;

use actors_core::{Actor, ActorSystem, BoxError, messages};
use tests::promptly;

/// Panics at whatever it is asked.
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl fmt::Debug for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl std::error::Error for Mute {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("no source")
    }
}

/// Has something to say, and a source that has not.
#[derive(Debug, thiserror::Error)]
#[error("half a story")]
struct Half(#[source] Mute);

/// Panics when it is dropped.
#[derive(Debug, thiserror::Error)]
#[error("a grudge")]
struct Grudge;

impl Drop for Grudge {
    fn drop(&mut self) {
        panic!("still here")
    }
}

#[derive(Actor)]
struct Failing;

#[messages]
impl Failing {
    #[message]
    fn be_mute(&self) -> Result<(), Mute> {
        Err(Mute)
    }

    #[message]
    fn tell_half(&self) -> Result<(), BoxError> {
        Err(Box::new(Half(Mute)))
    }

    #[message]
    fn bear_a_grudge(&self) -> Result<(), BoxError> {
        Err(Box::new(Grudge))
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_an_error_that_panics_is_that_its_text_panicked() {
    let system = ActorSystem::new("mute");
    let mut crashes = system.crash_reports();
    let (mute, half) = (system.spawn(Failing), system.spawn(Failing));
    mute.tell(BeMute).await.unwrap();
    half.tell(TellHalf).await.unwrap();

    let (mute, half) = (promptly("one end", mute.stopped()).await, promptly("the other", half.stopped()).await);
    let crash = promptly("the crash report", crashes.recv()).await.expect("the system is there");
    let report = promptly("the end of the system", system.shutdown()).await;

    assert_eq!(mute.to_string(), "failed: (its text panicked)");
    assert_eq!(format!("{:?}", mute.error().expect("it failed")), "(its text panicked)");
    assert_eq!(half.to_string(), "failed: half a story: (its text panicked)");
    assert!(mute != half && mute == mute.clone());
    for text in [crash.to_string(), report.to_string(), format!("{report:?}"), serde_json::to_string(&report).unwrap()] {
        assert!(text.contains("(its text panicked)"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_panics_when_it_is_dropped_harms_nobody() {
    let system = ActorSystem::new("grudge");
    let bearer = system.actor(Failing).name("bearer").spawn();
    bearer.tell(BearAGrudge).await.unwrap();

    let reason = promptly("its end", bearer.stopped()).await;
    let report = promptly("the end of the system", system.shutdown()).await;

    assert_eq!(reason.to_string(), "failed: a grudge");
    assert_eq!(report.failed, 1);
    // Whoever is the last to let go of it has nothing to fear.
    drop((report, system, bearer));
    drop(reason);
}
