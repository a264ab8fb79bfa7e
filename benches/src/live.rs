//! One measurement of memory, with an allocator that counts what is allocated. The driver runs it beside `bench`.

use std::alloc::System;
use std::process::ExitCode;

use benches::{args, measure};
use cap::Cap;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> ExitCode {
    measure::count_bytes_by(|| ALLOCATOR.allocated() as u64);
    args::main()
}
