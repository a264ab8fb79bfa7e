//! A hook that would make the actor, as in other frameworks.

#![allow(unused)]
use actors_core::{Actor, messages};

#[derive(Actor)]
struct Store {
    path: String,
}

#[messages]
impl Store {
    #[started]
    async fn open(path: String) -> Result<Self, std::io::Error> {
        Ok(Store { path })
    }

    #[message]
    fn path(&self) -> String {
        self.path.clone()
    }
}

fn main() {}
