//! A job, and what doing it yields.

/// A job, leased: what is to be done, and the lease under which it is done.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: i64,
    pub payload: String,
    /// Which attempt this is, from 1. It is the number of the lease too, and so tells an old one from the one that counts.
    pub attempt: i64,
    /// How many workers it has cost before.
    pub panics: i64,
}

/// What is asked for in a new queue.
pub fn payload(id: i64) -> String {
    format!("the text of job {id}")
}

/// What a job yields: a checksum of its payload, so that a check can tell a right result from a wrong one.
pub fn result(payload: &str) -> i64 {
    let hash = payload.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    i64::from_ne_bytes(hash.to_ne_bytes())
}
