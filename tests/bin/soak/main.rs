//! A soak: mixed traffic, failures and restarts at full speed, for as long as it is told. It ends with exit code 1 and the
//! reason if anything grows, hangs, is lost, or is left over.
//!
//! `soak --minutes 10`, or `--seconds 5`; `--seed 7` for other traffic; `soak --actors 1000000` for a crowd instead.
//! `--plant memory`, or `task`, `actor`, `queue`, `loss`, `hang`, does wrong on purpose, to show that it is found.

mod crowd;
mod fleet;
mod gauges;
mod ledger;
mod plant;
mod traffic;
mod worker;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actors_core::{ActorSystem, ShutdownReport};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use fleet::Fleet;
use gauges::{Sample, growth};
use ledger::{ANSWERS, ASKS, PUBLISHED, STATES, TELLS, TIMERS};
use plant::Plant;
use traffic::{Traffic, drive};

/// How many act at the same time.
const DRIVERS: u64 = 16;
/// Room in the largest mailbox, and for what waits beside it: the batch that was fetched, and control messages.
const LONGEST: u64 = 1_024;

struct Args {
    length: Duration,
    seed: u64,
    actors: Option<usize>,
    plant: Option<Plant>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match args() {
        Ok(Args { actors: Some(actors), .. }) => crowd::run(actors).await,
        Ok(args) => soak(&args).await,
        Err(mistake) => Err(mistake),
    };
    match outcome {
        Ok(()) => {
            say("all is well");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            say(&format!("failed: {reason}"));
            ExitCode::FAILURE
        }
    }
}

async fn soak(args: &Args) -> Result<(), String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&"asked to") {
            hook(info);
        }
    }));
    let system = ActorSystem::builder("soak").progress(false).linger(Duration::from_millis(20)).deadline(Duration::from_secs(60)).build();
    let fleet = Fleet::start(system.clone()).await.map_err(|error| error.to_string())?;
    let traffic = Arc::new(Traffic { fleet, ends: AtomicBool::new(false), acts: AtomicU64::new(0) });
    let drivers: Vec<_> = (0..DRIVERS).map(|number| tokio::spawn(drive(traffic.clone(), args.seed ^ number))).collect();
    let planted = args.plant.map(|plant| tokio::spawn(plant.spoil(system.clone())));

    let samples = watch(&system, args.length, &drivers).await?;

    // The traffic goes on meanwhile.
    let report = system.shutdown().await;
    let news = traffic.fleet.news.clone();
    news.shutdown().await;
    traffic.ends.store(true, Ordering::Release);
    join(drivers).await?;
    if let Some(planted) = planted {
        planted.abort();
    }
    say(&format!("{} acts", traffic.acts.load(Ordering::Relaxed)));
    drop(traffic);
    let mut complaints = growth(&samples);
    complaints.extend(left_over([&system, &news], &report).await);
    complaints.extend(accounts(&system, &news));
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("; ")) }
}

/// Looks every second, more often if it is a short soak, and says so every ten.
async fn watch(system: &ActorSystem, length: Duration, drivers: &[JoinHandle<Result<(), String>>]) -> Result<Vec<Sample>, String> {
    let began = Instant::now();
    let period = Duration::from_secs(1).min(length / 40);
    let mut samples: Vec<Sample> = Vec::new();
    // When something was last handled, and how many were then.
    let mut progress = (began, 0);
    while began.elapsed() < length {
        sleep(period).await;
        let sample = Sample::take(system, began.elapsed());
        if sample.longest > LONGEST {
            return Err(format!("{} messages wait in a mailbox", sample.longest));
        }
        if sample.handled > progress.1 {
            progress = (Instant::now(), sample.handled);
        } else if progress.0.elapsed() > Duration::from_secs(30) {
            return Err("nothing is handled any more".to_owned());
        }
        samples.push(sample);
        if samples.len() % 10 == 0 {
            say(&sample.to_string());
        }
        if drivers.iter().any(JoinHandle::is_finished) {
            // It ends only to say what is wrong.
            break;
        }
    }
    Ok(samples)
}

async fn join(drivers: Vec<JoinHandle<Result<(), String>>>) -> Result<(), String> {
    for driver in drivers {
        let ended = timeout(Duration::from_secs(120), driver).await.map_err(|_| "a driver does not end")?;
        ended.map_err(|panicked| panicked.to_string())??;
    }
    Ok(())
}

/// What is alive after the shutdown.
async fn left_over(systems: [&ActorSystem; 2], report: &ShutdownReport) -> Vec<String> {
    let mut complaints = Vec::new();
    // 1 says that an actor failed, as many were told to.
    if report.exit_code() > 1 || report.actors.is_empty() {
        complaints.push(format!("the shutdown ended with {:?}", report.outcome));
    }
    let tasks = || Handle::current().metrics().num_alive_tasks() as u64;
    let alive = || {
        let open = TELLS.open() + ASKS.open() + TIMERS.open() + PUBLISHED.open();
        let actors = systems.iter().map(|system| system.actors() as u64).sum();
        [("actors", actors), ("tasks", tasks()), ("states", STATES.now()), ("messages", open)]
    };
    for _ in 0..1_000 {
        if alive().iter().all(|(_, count)| *count == 0) {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    let left = alive().into_iter().filter(|(_, count)| *count > 0);
    complaints.extend(left.map(|(what, count)| format!("{count} {what} are left over")));
    complaints
}

/// Whether the accounts are balanced, which they are once all is gone.
fn accounts(system: &ActorSystem, news: &ActorSystem) -> Vec<String> {
    say(&format!("told: {}", TELLS.line()));
    say(&format!("asked: {}", ASKS.line()));
    say(&format!("sent by timers: {}", TIMERS.line()));
    say(&format!("published: {}", PUBLISHED.line()));
    let mut complaints: Vec<_> = ANSWERS.complaint(&ASKS).into_iter().collect();
    if ANSWERS.wrong() > 0 {
        complaints.push(format!("{} answers were to another question", ANSWERS.wrong()));
    }
    let (letters, told) = (system.dead_letter_count(), TELLS.dropped());
    if letters != told {
        complaints.push(format!("{told} messages were never handled, and there are {letters} dead letters"));
    }
    // The original, of which copies go to the subscribers, is no letter.
    let (letters, published) = (news.dead_letter_count(), PUBLISHED.dropped());
    if letters > published {
        complaints.push(format!("{published} published messages were never handled, and there are {letters} dead letters"));
    }
    complaints
}

fn args() -> Result<Args, String> {
    let mut args = Args { length: Duration::from_secs(60), seed: 1, actors: None, plant: None };
    let mut given = std::env::args().skip(1);
    while let Some(option) = given.next() {
        let value = given.next().ok_or_else(|| format!("{option} needs a value"))?;
        let number =
            || value.parse::<f64>().ok().filter(|number| (0.0..1e9).contains(number)).ok_or_else(|| format!("{value} is no number"));
        match option.as_str() {
            "--minutes" => args.length = Duration::from_secs_f64(60.0 * number()?),
            "--seconds" => args.length = Duration::from_secs_f64(number()?),
            "--seed" => args.seed = number()? as u64,
            "--actors" => args.actors = Some(number()? as usize),
            "--plant" => args.plant = Some(Plant::named(&value).ok_or_else(|| format!("nothing like {value} can be planted"))?),
            _ => return Err(format!("there is no option {option}")),
        }
    }
    Ok(args)
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    // Whoever reads it may have gone.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
