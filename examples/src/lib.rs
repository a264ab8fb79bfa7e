//! Small real programs; each stands in a folder beside this one.
