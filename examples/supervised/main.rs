//! A tree with a child that keeps failing, healed level by level.
//!
//! ```text
//! site (supervisor)
//! └── station (rest-for-one, 3 restarts in 10 s)
//!     ├── archive    keeps what was measured: untouched when the sensor fails
//!     ├── sensor     fails at every seventh measurement, later at every start
//!     └── display    depends on the sensor, and is restarted with it
//! ```
//!
//! Watch the crash reports: first the sensor is restarted, each time after a longer wait, and the display with it. Then its
//! wire is cut, and it cannot even start: the station gives up, and the site makes a new station, with a new sensor that works. The
//! archive of that station is empty: state goes with its incarnation, queue and references stay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors_core::{
    Actor, ActorRef, ActorSystem, Backoff, ChildSpec, Context, CrashReports, ShutdownReport, StartError, Supervisor, messages,
};

/// A wire that can be cut; whoever repairs the station repairs it too.
#[derive(Clone, Default)]
struct Wire(Arc<AtomicBool>);

#[derive(Actor)]
#[actor(strategy = "rest_for_one", restarts = 3, within = "10s")]
struct Station {
    wire: Wire,
}

#[messages]
impl Station {
    #[started]
    async fn set_up(&mut self, ctx: &mut Context<Self>) -> Result<(), StartError> {
        self.wire.0.store(false, Ordering::Relaxed);
        let archive = ctx.child("archive", || Archive { measured: 0 }).start().await?;
        let wire = self.wire.clone();
        let backoff = Backoff::exponential(Duration::from_millis(50), Duration::from_millis(400)).no_jitter();
        let sensor = ctx.child("sensor", move || Sensor { n: 0, wire: wire.clone(), archive: archive.clone() });
        sensor.backoff(backoff).start().await?;
        ctx.child("display", || Display { shown: 0 }).start().await?;
        Ok(())
    }

    #[message]
    fn nothing_to_do(&self) {}
}

#[derive(Actor)]
struct Sensor {
    n: u32,
    wire: Wire,
    archive: ActorRef<Archive>,
}

/// The sensor has no contact.
#[derive(Debug, thiserror::Error)]
#[error("no contact after {0} measurements")]
struct NoContact(u32);

#[messages]
impl Sensor {
    #[started]
    fn connect(&mut self) -> Result<(), NoContact> {
        if self.wire.0.load(Ordering::Relaxed) { Err(NoContact(0)) } else { Ok(()) }
    }

    #[message]
    async fn measure(&mut self) -> Result<(), NoContact> {
        self.n += 1;
        if self.n == 7 {
            return Err(NoContact(self.n)); // nobody asked, so the sensor fails
        }
        let _ = self.archive.tell(Keep).await;
        Ok(())
    }
}

#[derive(Actor)]
struct Archive {
    measured: u32,
}

#[messages]
impl Archive {
    #[message]
    fn keep(&mut self) {
        self.measured += 1;
    }

    #[message]
    fn count(&self) -> u32 {
        self.measured
    }
}

#[derive(Actor)]
struct Display {
    shown: u32,
}

#[messages]
impl Display {
    #[message]
    fn show(&mut self) {
        self.shown += 1;
    }
}

/// Prints crash reports as they come.
async fn watch(mut crashes: CrashReports) {
    while let Some(crash) = crashes.recv().await {
        println!("{crash}\n");
    }
}

#[tokio::main]
async fn main() -> ShutdownReport {
    let system = ActorSystem::new("weather");
    tokio::spawn(watch(system.crash_reports()));

    let wire = Wire::default();
    let station = ChildSpec::new("station", {
        let wire = wire.clone();
        move || Station { wire: wire.clone() }
    });
    system.actor(Supervisor::new().child(station)).name("site").start().await.expect("the station can be set up");
    println!("{}", system.tree());

    // A reference stays good whatever happens to its actor in between.
    let sensor: ActorRef<Sensor> = system.lookup("/site/station/sensor").expect("it was started");
    for _ in 0..20 {
        sensor.tell(Measure).await.expect("a sensor that is restarted takes messages all the time");
    }
    while sensor.incarnation() < 2 || sensor.queued() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let archive: ActorRef<Archive> = system.lookup("/site/station/archive").expect("it was never restarted");
    println!("archived {} of 20 measurements\n", archive.ask(Count).await.expect("it runs"));

    wire.0.store(true, Ordering::Relaxed);
    sensor.kill();
    println!("the old sensor ended: {}\n", sensor.stopped().await);

    // The next one has the same name below a new station.
    let healed = async {
        loop {
            match system.lookup::<Sensor>("/site/station/sensor") {
                Some(sensor) if sensor.has_started() => return sensor,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let healed = tokio::time::timeout(Duration::from_secs(5), healed).await.expect("the site makes a new station");
    healed.tell(Measure).await.expect("it works again");
    println!("{}", system.tree());
    system.shutdown().await
}
