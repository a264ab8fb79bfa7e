//! Measures; see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    benches::args::main()
}
