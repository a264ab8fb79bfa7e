//! An error with which an actor can fail is a `std::error::Error`, or text.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Counter;

#[messages]
impl Counter {
    #[message]
    fn get(&self) -> Result<u8, Vec<u8>> {
        Ok(1)
    }

    #[started]
    async fn open(&self) -> Result<u8, String> {
        Ok(1)
    }

    #[stopped]
    async fn close(&self) -> Result<(), Vec<u8>> {
        Ok(())
    }
}

fn main() {}
