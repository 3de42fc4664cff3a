//! The `llmgw` binary.

fn main() {}
