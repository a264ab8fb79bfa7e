//! The examples as processes: real clients, real signals, real exit codes.

#![cfg(unix)]

mod chat;
mod client;
mod os_signals;
mod process;
