//! What is shown of a body: as JSON where it is JSON, without the bytes that nobody reads, and not more than a page or two
//! hundred.

use serde_json::Value;

use crate::config::Secret;
use crate::hub::text::beginning;
use crate::telemetry::redact::{Known, redact_cut, redact_known};

/// Of a longer body only the beginning is shown.
const MOST: usize = 256 * 1024;

/// Longer runs of letters and digits are bytes in base64: no word is, in no language.
const LONGEST_RUN: usize = 256;

/// In a `data:` URL they are, for sure.
const LONGEST_DATA: usize = 32;

/// As much is shown of them: enough to tell a PNG from a JPEG.
const SHOWN: usize = 16;

/// What is said of a body.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub bytes: &'a [u8],
    /// How many there were.
    pub total: u64,
    /// What looks like a key is masked, beside what is one.
    pub keys: bool,
    /// A few that must not be shown, beside what is known.
    pub secrets: &'a [Secret],
}

impl Body<'_> {
    /// What is shown.
    pub(super) fn show(self, known: &Known) -> Value {
        let is_cut = self.total > self.bytes.len() as u64;
        let text = match std::str::from_utf8(self.bytes) {
            Ok(text) => text,
            // Cut within a character.
            Err(error) if is_cut && error.error_len().is_none() => str::from_utf8(&self.bytes[..error.valid_up_to()]).unwrap_or_default(),
            Err(_) => return format!("({} bytes that are no text)", self.total).into(),
        };
        // Before anything is cut, so that no half of a secret is left.
        let masked = if is_cut { redact_cut(text, self.secrets) } else { redact_known(text, self.secrets) };
        let masked = known.redact_long(&masked, is_cut, self.keys);
        let (mut shown, is_longer) = without_runs(&masked);
        if !is_cut
            && !is_longer
            && let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(&shown)
        {
            return json;
        }
        if is_cut || is_longer {
            shown.push_str(&format!("… ({} bytes)", self.total));
        }
        shown.into()
    }
}

/// `text` without what is long and means nothing to a reader, to [`MOST`] bytes; whether there was more.
fn without_runs(text: &str) -> (String, bool) {
    let mut shown = String::with_capacity(text.len().min(MOST));
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, run, after) = next_run(rest);
        if shown.len() + plain.len() > MOST {
            shown.push_str(beginning(plain, MOST - shown.len()));
            return (shown, true);
        }
        shown.push_str(plain);
        if !run.is_empty() {
            let beginning = &run[..SHOWN];
            shown.push_str(&format!("{}…({} characters)", beginning.strip_suffix('\\').unwrap_or(beginning), run.len()));
        }
        rest = after;
    }
    (shown, false)
}

/// `text` up to the first run of base64 that is too long, that run, and what comes after it.
fn next_run(text: &str) -> (&str, &str, &str) {
    let bytes = text.as_bytes();
    let mut begin = 0;
    while begin < bytes.len() {
        let length = run_length(&bytes[begin..]);
        let longest = if text[..begin].ends_with(";base64,") { LONGEST_DATA } else { LONGEST_RUN };
        if length > longest {
            return (&text[..begin], &text[begin..begin + length], &text[begin + length..]);
        }
        begin += length;
        begin += bytes[begin..].iter().take_while(|byte| !is_base64(**byte)).count();
    }
    (text, "", "")
}

/// How many bytes at the beginning of `text` may be base64, slashes as JSON may escape them included.
fn run_length(text: &[u8]) -> usize {
    let mut length = 0;
    loop {
        match text.get(length..) {
            Some([byte, ..]) if is_base64(*byte) => length += 1,
            Some([b'\\', b'/', ..]) if length > 0 => length += 2,
            _ => return length,
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Body, MOST};
    use crate::config::Secret;
    use crate::telemetry::redact::Known;

    fn show(bytes: &[u8]) -> Value {
        let known = Known::new(vec![Secret::new("correct horse battery")]);
        Body { bytes, total: bytes.len() as u64, keys: true, secrets: &[] }.show(&known)
    }

    #[test]
    fn json_is_shown_as_json_and_everything_else_as_text() {
        assert_eq!(show(r#"{"messages":[{"content":"你好\n"}]}"#.as_bytes()), json!({ "messages": [{ "content": "你好\n" }] }));
        assert_eq!(show("data: {\"a\":\"好\"}\n\ndata: [DONE]\n\n".as_bytes()), "data: {\"a\":\"好\"}\n\ndata: [DONE]\n\n");
        assert_eq!(show(b"\x89PNG\xff\xff"), "(6 bytes that are no text)");
        assert_eq!(show(b"12"), "12");
    }

    #[test]
    fn bytes_in_base64_are_cut_to_a_few_characters_and_their_length() {
        let image = "iVBORw0KGgoAAAANSUhEUg".repeat(1000);
        let shown = show(json!({ "url": format!("data:image/png;base64,{image}"), "data": image, "text": "看图" }).to_string().as_bytes());
        let cut = "iVBORw0KGgoAAAAN…(22000 characters)";
        assert_eq!(shown, json!({ "url": format!("data:image/png;base64,{cut}"), "data": cut, "text": "看图" }));
        let small = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
        assert_eq!(show(small.as_bytes()), "data:image/gif;base64,R0lGODlhAQABAIAA…(56 characters)");
        let slashes = format!(r#"{{"data":"0123456789abcde{}"}}"#, r"\/".repeat(300));
        assert_eq!(show(slashes.as_bytes()), json!({ "data": "0123456789abcde…(615 characters)" }));
        let words = "word ".repeat(1000);
        assert_eq!(show(words.as_bytes()), words);
    }

    #[test]
    fn a_long_body_is_cut_where_a_character_ends() {
        let shown = show("好 ".repeat(MOST).as_bytes());
        let text = shown.as_str().unwrap();
        assert!(text.len() < MOST + 30 && text.ends_with(&format!("… ({} bytes)", MOST * 4)), "{}", &text[text.len() - 40..]);
        let long = json!({ "text": "a b ".repeat(MOST) }).to_string();
        assert!(show(long.as_bytes()).is_string(), "half an object is none");
    }

    #[test]
    fn no_secret_is_shown_whole_or_in_part() {
        let known = Known::new(vec![Secret::new("correct horse battery"), Secret::new("x".repeat(400))]);
        let secrets = [Secret::new("token-of-a-login-1")];
        let show = |text: &str, more: u64, keys| {
            let body = Body { bytes: text.as_bytes(), total: text.len() as u64 + more, keys, secrets: &secrets };
            body.show(&known).to_string()
        };
        assert_eq!(show("with token-of-a-login-1", 0, false), "\"with token****in-1\"");
        assert_eq!(show("said correct horse battery", 0, false), "\"said corre****tery\"");
        assert_eq!(show(&"x".repeat(700), 0, false), format!("\"xxxxx****{}…(304 characters)\"", "x".repeat(16)));
        assert_eq!(show("it ends in correct hor", 10, false), "\"it ends in ****… (32 bytes)\"");
        let key = "key sk-0123456789abcdef";
        assert_eq!((show(key, 0, false), show(key, 0, true)), (format!("{key:?}"), "\"key sk-01****cdef\"".to_owned()));
    }

    #[test]
    fn a_character_that_was_cut_is_left_out() {
        let known = Known::default();
        let shown = Body { bytes: &"你好".as_bytes()[..4], total: 6, keys: true, secrets: &[] }.show(&known);
        assert_eq!(shown, "你… (6 bytes)");
    }
}
