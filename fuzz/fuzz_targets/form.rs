//! Input: a content type, a line end, and the body of a form.
#![no_main]

#[path = "../../tests/it/properties/laws/mod.rs"]
#[allow(dead_code, reason = "each target tries one of them")]
mod laws;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (content_type, body) = input.split_at(line);
    if let Ok(content_type) = std::str::from_utf8(content_type) {
        laws::form::holds(content_type, body.get(1..).unwrap_or_default());
    }
});
