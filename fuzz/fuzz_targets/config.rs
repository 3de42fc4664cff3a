//! Input: a configuration file.
#![no_main]

#[path = "../../tests/it/properties/laws/mod.rs"]
#[allow(dead_code, reason = "each target tries one of them")]
mod laws;

libfuzzer_sys::fuzz_target!(|text: &str| {
    laws::config::holds(text);
});
