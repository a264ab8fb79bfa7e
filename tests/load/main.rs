//! Under load: floods, neighbours that never rest, crowds, and a short soak.

mod fairness;
mod flood;
mod soak;
