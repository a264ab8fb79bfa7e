//! The mailbox, the word of signals, the reply slot, the run queue and the seats, in every order of steps that a few threads can take.

use std::process::ExitCode;

fn main() -> ExitCode {
    models::explore(&loom_models::models())
}
