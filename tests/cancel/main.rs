//! Every future of the public face, dropped at each of its awaits: nothing is lost, and nothing is left behind.

mod asking;
mod cast;
mod children;
mod ending;
mod faces;
mod harness;
mod kit;
mod news;
mod sending;
mod services;
mod starting;
