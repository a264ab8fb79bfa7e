//! The macros, tried on right and wrong programs.
//!
//! The texts in `fail/*.stderr` are ours, but for a few that the compiler words; a new compiler may word those anew.
//! `TRYBUILD=overwrite cargo test -p tests --test macros_ui` writes them again, for a reader to judge.

#[test]
fn right_programs_run_and_wrong_ones_are_told_what_is_wrong() {
    let programs = trybuild::TestCases::new();
    programs.pass("macros_ui/pass/*.rs");
    programs.compile_fail("macros_ui/fail/*.rs");
}
