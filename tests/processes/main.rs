//! The examples as processes: real clients, real signals, real exit codes.

#![cfg(unix)]

mod aborting;
mod battered;
mod chat;
mod client;
mod jobs;
mod os_signals;
mod process;
mod service;
