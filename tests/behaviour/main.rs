//! How actors behave, one behaviour a file. Names begin with the scenario's ID where they follow one.

mod asking;
mod blocking;
mod cast;
mod conformance;
mod deadlocks;
mod endings;
mod lifecycle;
mod links;
mod mailbox;
mod monitors;
mod panics;
mod peer_groups;
mod races;
mod references;
mod registry;
mod report;
mod shutdown;
mod stopping;
mod telling;
mod work;
