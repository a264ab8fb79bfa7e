//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use lexopt::prelude::{Long, Short, ValueExt as _};

const HELP: &str = "\
A chat server whose shutdown loses nothing that it has acknowledged.

Usage: chat [OPTIONS]

  --addr ADDRESS      where to listen [127.0.0.1:8080]; port 0 takes a free one
  --deadline SECONDS  how long a shutdown may take [25]
  --ping SECONDS      how often each client is pinged [20]; after two unanswered pings it is let go
  --workers N         how many worker threads to use [one for each core]
  --demo SECONDS      bring clients, talk for so long, shut down, and count what was lost
  --clients N         how many clients the demo brings [200]
  --misbehave         for trying out what a shutdown does with misbehaviour, a client may send
                        /hang   its session hangs in a handler, heeding no signal
                        /block  as many handlers as there are workers block their threads
  --help              show this";

pub struct Args {
    pub address: SocketAddr,
    pub deadline: Duration,
    pub ping_every: Duration,
    pub workers: Option<usize>,
    pub demo: Option<Demo>,
    pub misbehave: bool,
}

pub struct Demo {
    pub time: Duration,
    pub clients: usize,
}

impl Args {
    /// Reads the arguments of the process. Ends it if help was asked for, or if they make no sense.
    pub fn from_env() -> Self {
        match Self::read(std::env::args_os()) {
            Ok(Some(args)) => args,
            Ok(None) => {
                println!("{HELP}");
                std::process::exit(0);
            }
            Err(error) => {
                eprintln!("chat: {error}; --help says what there is");
                std::process::exit(64);
            }
        }
    }

    /// Returns nothing if help was asked for.
    fn read(args: impl Iterator<Item = OsString>) -> Result<Option<Self>, lexopt::Error> {
        let mut parser = lexopt::Parser::from_iter(args);
        let mut args = Args {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            deadline: Duration::from_secs(25),
            ping_every: Duration::from_secs(20),
            workers: None,
            demo: None,
            misbehave: false,
        };
        let (mut demo, mut clients, mut address) = (None, 200, None);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("addr") => address = Some(parser.value()?.parse()?),
                Long("deadline") => args.deadline = seconds(&mut parser)?,
                Long("ping") => args.ping_every = seconds(&mut parser)?,
                Long("workers") => args.workers = Some(count(&mut parser)?),
                Long("demo") => demo = Some(seconds(&mut parser)?),
                Long("clients") => clients = count(&mut parser)?,
                Long("misbehave") => args.misbehave = true,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        args.demo = demo.map(|time| Demo { time, clients });
        // A demo serves nobody else, and should not fail because something listens already.
        let fallback = if args.demo.is_some() { SocketAddr::from(([127, 0, 0, 1], 0)) } else { args.address };
        args.address = address.unwrap_or(fallback);
        Ok(Some(args))
    }
}

fn seconds(parser: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    let seconds = parser.value()?.parse_with(|text| match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        _ => Err("takes a number of seconds above 0".to_owned()),
    })?;
    Ok(seconds)
}

fn count(parser: &mut lexopt::Parser) -> Result<usize, lexopt::Error> {
    parser.value()?.parse_with(|text| match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err("takes a number, 1 or more"),
    })
}
