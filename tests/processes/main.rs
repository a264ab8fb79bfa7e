//! The examples as processes: real clients, real signals, real exit codes.
