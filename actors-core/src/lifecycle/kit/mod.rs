//! What a test may know and do: it is told of starts and ends as they happen, and has actors fail.
//!
//! The choice between on and off is made here and nowhere else on this floor; both have the same functions.

#[cfg(feature = "test-kit")]
pub(crate) mod fault;
#[cfg(feature = "test-kit")]
pub(crate) mod pattern;

#[cfg(feature = "test-kit")]
mod on;
#[cfg(feature = "test-kit")]
pub(crate) use on::{Kit, Log};

#[cfg(not(feature = "test-kit"))]
mod off;
#[cfg(not(feature = "test-kit"))]
pub(crate) use off::Kit;

#[cfg(feature = "test-kit")]
pub use on::{LifeEvent, LifeStep};
