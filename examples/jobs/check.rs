//! The check: looks at every job in the database and says whether each is done exactly once.

use std::path::Path;
use std::process::ExitCode;

use crate::queue::{Audit, audit};

pub fn check(path: &Path) -> ExitCode {
    let audit = match audit(path) {
        Ok(audit) => audit,
        Err(error) => {
            eprintln!("jobs: {}: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    print(&audit);
    if audit.is_good() {
        println!("each job is done exactly once");
        ExitCode::SUCCESS
    } else {
        println!("not each job is done exactly once");
        ExitCode::FAILURE
    }
}

fn print(audit: &Audit) {
    let counts = &audit.counts;
    println!("jobs         {}", counts.all());
    println!("  done       {}", counts.done);
    println!("  waiting    {}", counts.queued);
    println!("  leased     {}", counts.leased);
    println!("  failed     {}", counts.failed);
    println!("completions  {}", audit.completions);
    println!("  lost       {}", audit.lost);
    println!("  double     {}", audit.double);
    println!("  stray      {}", audit.stray);
    println!("  wrong      {}", audit.wrong);
    println!("attempts     {}", counts.attempts);
    println!("panics       {}", counts.panics);
    println!("runs         {}", counts.run);
}
