//! For the tests of those who write actors: probes, paused time, what the tree looks like, in which order actors ended, and
//! actors that are made to fail.
//!
//! The feature is `test-kit`; ask for it where only tests see it:
//!
//! ```toml
//! [dev-dependencies]
//! actors-core = { version = "0.1", features = ["test-kit"] }
//! ```
//!
//! # A whole test
//!
//! ```
//! use std::time::Duration;
//! use actors_core::test_kit::{self, Fault};
//! use actors_core::{messages, Actor, Context, Exited, Recipient};
//!
//! /// What is to be tested: asks a meter now and then, and raises an alarm if it is silent for too long, or gone.
//! #[derive(Actor)]
//! struct Guard { alarm: Recipient<Alarm> }
//!
//! #[derive(Clone, Debug, PartialEq)]
//! enum Alarm { Silent, Gone }
//!
//! #[messages]
//! impl Guard {
//!     #[message]
//!     async fn check(&mut self, ctx: &mut Context<Self>) {
//!         let meter = ctx.actor(Meter).name("meter").spawn();
//!         if meter.ask(Read).within(Duration::from_secs(10)).await.is_err() {
//!             let _ = self.alarm.tell(Alarm::Silent).await;
//!         }
//!     }
//!
//!     #[exited]
//!     async fn gone(&mut self, exited: Exited) {
//!         if !exited.reason.is_clean() {
//!             let _ = self.alarm.tell(Alarm::Gone).await;
//!         }
//!     }
//! }
//!
//! #[derive(Actor)]
//! struct Meter;
//!
//! #[messages]
//! impl Meter {
//!     #[message] fn read(&self) -> u32 { 7 }
//! }
//!
//! // #[test]
//! fn a_hung_meter_is_an_alarm() {
//!     test_kit::run(async |system| {
//!         // Given a guard that tells us, and a meter that will hang at the first message it gets.
//!         let alarms = system.probe::<Alarm>("alarms");
//!         let guard = system.actor(Guard { alarm: alarms.recipient() }).name("guard").spawn();
//!         let log = system.life_log();
//!         let fault = system.inject("/guard/meter", Fault::hang());
//!
//!         // When it is checked, and ten seconds pass, of which nobody waits for one.
//!         guard.tell(Check).await.unwrap();
//!         alarms.expect_none(Duration::from_millis(9_900)).await;
//!         test_kit::advance(Duration::from_millis(200)).await;
//!
//!         // Then there is an alarm, and the meter is still there.
//!         alarms.expect_eq(Alarm::Silent).await;
//!         assert_eq!(fault.struck(), 1);
//!         system.assert_tree(&["/alarms", "/guard", "/guard/meter: Meter"]);
//!
//!         // And when it is killed: another one, and the guard goes on.
//!         system.lookup::<Meter>("/guard/meter").unwrap().kill();
//!         alarms.expect_eq(Alarm::Gone).await;
//!         log.assert_ended(&["/guard/meter"]);
//!         system.assert_alive("/guard");
//!     });
//! }
//! # a_hung_meter_is_an_alarm();
//! ```
//!
//! # What there is
//!
//! - [`run`] and [`Setup`]: a runtime with a paused clock, a system in it, and the demand that all of it stops in the end.
//!   [`advance`] lets time pass, [`eventually`] waits for a condition.
//! - [`Probe`]: an actor that hands what it gets to the test, and answers if it is asked to.
//! - [`ActorSystem::assert_tree`](crate::ActorSystem::assert_tree), `await_tree`, `assert_alive`, `assert_gone`.
//! - [`LifeLog`]: which actors started and ended from now on, in which order and why.
//! - [`Fault`]: panics, errors, hangs and delays, injected into a running system by path.
//!
//! All but [`run`] and [`advance`] work in a `#[tokio::test]` too, on any runtime. Limits are of tokio's time: with a paused clock,
//! a test that waits in vain fails at once. What fails says where it was asked for, what was awaited, and what had come.

mod inject;
mod life_log;
mod probe;
mod run;
mod text;
mod tree;

use std::time::Duration;

pub use crate::lifecycle::kit::fault::{Fault, Injected};
pub use crate::lifecycle::kit::{LifeEvent, LifeStep};
pub use inject::FaultRef;
pub use life_log::LifeLog;
pub use probe::{Probe, Probing};
pub use run::{Setup, advance, eventually, run};

/// How long the helpers wait that name no limit.
const LIMIT: Duration = Duration::from_secs(3);
