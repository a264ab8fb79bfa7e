//! The macros, tried on right and wrong programs.
