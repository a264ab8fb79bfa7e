//! The macros, tried on right and wrong programs.
//!
//! The texts in `fail/*.stderr` are ours, but for a few that the compiler words; a new compiler may word those anew.
//! `TRYBUILD=overwrite cargo test -p tests --test macros_ui` writes them again, for a reader to judge.

mod pass;

#[test]
fn wrong_programs_are_told_what_is_wrong() {
    let programs = trybuild::TestCases::new();
    for name in ["actor_inside_main", "renamed_crate", "strict_lints"] {
        programs.pass(format!("macros_ui/pass/{name}.rs"));
    }
    programs.compile_fail("macros_ui/fail/*.rs");
}
