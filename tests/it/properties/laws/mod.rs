//! What must hold for any input whatsoever: plain functions that panic where it does not.
//!
//! The properties beside this folder feed them from generators, `fuzz/` from a fuzzer that looks for new paths through the code.

pub mod config;
pub mod form;
pub mod head;
pub mod object;
pub mod reply;
pub mod splice;
pub mod sse;
