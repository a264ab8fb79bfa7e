//! Every future of the public face, dropped at each of its awaits: nothing is lost, and nothing is left behind.

mod asking;
mod cast;
mod harness;
mod sending;
mod starting;
mod children;
