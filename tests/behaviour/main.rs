//! How actors behave, one behaviour a file. Names begin with the scenario's ID where they follow one.

mod asking;
mod blocking;
mod cast;
mod conformance;
mod deadlocks;
mod endings;
mod exits;
mod given_up;
mod lifecycle;
mod limits;
mod links;
mod macros;
mod mailbox;
mod monitors;
mod panics;
mod peer_groups;
mod races;
mod references;
mod registry;
mod report;
mod restarts;
mod shutdown;
mod significant;
mod stopping;
mod telling;
mod work;
