//! The table of the conformance list is true.
