//! What the mock says, how it is cut into pieces, and how many tokens that makes.

use serde_json::Value;

/// The answer to `prompt`, in its language.
pub fn echo(model: &str, prompt: &str) -> String {
    if prompt.chars().any(is_ideograph) {
        return format!("你好！我是 llmgw 内置的模拟模型（mock），模型名 {model}。你说的是：{prompt}");
    }
    format!("Hello! I am llmgw's built-in mock model, answering as {model}. You said: {prompt}")
}

/// The text of a message's content: a string, or the text parts of a list.
pub fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().map(|part| part["text"].as_str().map_or_else(|| text(part), str::to_owned)).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// About as many tokens as a real model would count: a wide character is one, four others are one.
pub fn tokens(text: &str) -> u64 {
    let wide = text.chars().filter(|character| is_wide(*character)).count() as u64;
    let other = text.chars().count() as u64 - wide;
    wide + other.div_ceil(4)
}

/// `text` cut off after `limit` tokens, and whether anything was.
pub fn limited(text: &str, limit: u64) -> (&str, bool) {
    let (mut wide, mut other) = (0, 0_u64);
    for (position, character) in text.char_indices() {
        if is_wide(character) {
            wide += 1;
        } else {
            other += 1;
        }
        if wide + other.div_ceil(4) > limit {
            return (&text[..position], true);
        }
    }
    (text, false)
}

/// `text` as a model would stream it: by words, and by characters where a character is a word.
pub fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (position, character) in text.char_indices() {
        let end = position + character.len_utf8();
        if is_wide(character) && start < position {
            pieces.push(&text[start..position]);
            start = position;
        }
        if is_wide(character) || character.is_whitespace() {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// East Asian scripts, their punctuation included, and whatever lies beyond.
fn is_wide(character: char) -> bool {
    character >= '\u{2e80}'
}
