//! Input: a request's body.
#![no_main]

#[path = "../../tests/it/properties/laws/mod.rs"]
#[allow(dead_code, reason = "each target tries one of them")]
mod laws;

libfuzzer_sys::fuzz_target!(|body: &[u8]| laws::splice::holds(body));
