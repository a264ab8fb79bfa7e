//! What a program of actors needs beside its tree, built on what its users have too.

mod pool;

pub use pool::{PoolRef, Routing, WorkerPool};
