//! A price ticker: a stream of prices, a moving average that is printed five times a second, and a warning when the exchange
//! goes quiet.
//!
//! Watch how four sources reach one actor, which handles one thing at a time: the items of a stream (`#[stream]`), a tick
//! (`#[tick]`), an inactivity timeout, and the result of a future (`ctx.pipe`). After two seconds the exchange is silent for a
//! while, and then it closes: the stream ends, and with it the ticker, since its `None` says so. Ctrl-C or SIGTERM end it
//! sooner, in order; no timer has to be cancelled for that.

use std::collections::VecDeque;
use std::time::Duration;

use actors_core::{Actor, ActorSystem, Context, ExitReason, ShutdownReport, messages};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::sleep;

/// How many prices the average is of.
const WINDOW: usize = 25;

/// Keeps the last prices of one share.
#[derive(Actor)]
struct Ticker {
    share: &'static str,
    currency: Option<String>,
    prices: VecDeque<f64>,
    seen: u64,
}

#[messages]
impl Ticker {
    #[started]
    fn open(&mut self, ctx: &mut Context<Self>) {
        ctx.attach(prices());
        ctx.pipe_with(look_up_currency(self.share), |currency| Currency { currency });
        ctx.set_inactivity_timeout(Duration::from_millis(500), || Quiet);
    }

    /// One price, or the end of the trading day.
    #[stream]
    fn price(&mut self, price: Option<f64>, ctx: &mut Context<Self>) {
        let Some(price) = price else {
            println!("{}: the exchange has closed", self.share);
            return ctx.stop();
        };
        self.seen += 1;
        self.prices.push_back(price);
        if self.prices.len() > WINDOW {
            self.prices.pop_front();
        }
    }

    /// Prints the average, at an even beat however many prices come.
    #[tick(every = "200ms")]
    fn print(&self) {
        if self.prices.is_empty() {
            return;
        }
        let average = self.prices.iter().sum::<f64>() / self.prices.len() as f64;
        let currency = self.currency.as_deref().unwrap_or("...");
        println!("{}: {average:7.2} {currency} after {:3} prices", self.share, self.seen);
    }

    /// Nothing has come for half a second. The beat above does not count.
    #[message]
    fn quiet(&self) {
        println!("{}: no prices for half a second", self.share);
    }

    /// What the future that was piped has found.
    #[message]
    fn currency(&mut self, currency: String) {
        self.currency = Some(currency);
    }

    #[stopped]
    fn close(&self, reason: &ExitReason) {
        println!("{}: {} prices, ended {reason}", self.share, self.seen);
    }
}

/// A hundred prices a second for two seconds; a silence; ten more; and the end.
fn prices() -> impl Stream<Item = f64> + Send {
    stream::iter(0..210_u32).then(|n| async move {
        sleep(Duration::from_millis(if n == 200 { 1_000 } else { 10 })).await;
        100.0 + 5.0 * (f64::from(n) / 20.0).sin()
    })
}

/// Asks somebody slow.
async fn look_up_currency(_share: &str) -> String {
    sleep(Duration::from_millis(300)).await;
    "EUR".to_owned()
}

#[tokio::main]
async fn main() -> ShutdownReport {
    let system = ActorSystem::builder("ticker").handle_signals().build();
    let ticker = Ticker { share: "ACME", currency: None, prices: VecDeque::new(), seen: 0 };
    // Its end is the end of the program.
    system.actor(ticker).name("ticker").significant().spawn();
    system.run_until_signal().await
}
