//! Input: a stream of events.
#![no_main]

#[path = "../../tests/it/properties/laws/mod.rs"]
#[allow(dead_code, reason = "each target tries one of them")]
mod laws;

libfuzzer_sys::fuzz_target!(|stream: &[u8]| laws::sse::holds(stream));
