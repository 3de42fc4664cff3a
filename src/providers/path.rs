//! Whether a client's path stays below a provider's `base_url`.

use percent_encoding::percent_decode;

/// How often an encoded path is decoded again: once for us, once for a proxy on the way, once for the upstream.
const DECODINGS: usize = 3;

/// `path` (with its query), if it stays below any base it is appended to, however often a server on the way decodes it.
///
/// Refuses dot segments and empty segments altogether: no API has them, and servers disagree on what they mean.
pub fn below_base(path: &str) -> Option<&str> {
    let (segments, query) = path.split_once('?').unwrap_or((path, ""));
    let is_printable = segments.bytes().chain(query.bytes()).all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !is_printable || !segments.starts_with('/') || segments.contains("//") {
        return None;
    }
    let mut decoded = segments.as_bytes().to_vec();
    for _ in 0..=DECODINGS {
        if !stays(&decoded) {
            return None;
        }
        decoded = percent_decode(&decoded).collect();
    }
    Some(path)
}

fn stays(path: &[u8]) -> bool {
    // Bytes that are no text are a dot or a slash to who decodes them carelessly.
    str::from_utf8(path).is_ok()
        && path.split(|byte| *byte == b'/').all(|segment| segment != b"." && segment != b"..")
        && !path.iter().any(|byte| *byte == b'\\' || byte.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::below_base;

    #[test]
    fn paths_that_stay_below_are_kept_as_they_are() {
        for path in ["/files", "/models/anthropic%2Fclaude", "/a.b/..c/c..?x=/../y", "/files/", "/", "/v1/%E4%BD%A0"] {
            assert_eq!(below_base(path), Some(path));
        }
    }

    #[test]
    fn paths_that_leave_are_refused() {
        for path in [
            "",
            "files",
            "/..",
            "/a/../..",
            "/a/./b",
            "/%2e%2e/a",
            "/%2E./a",
            "/%252e%252e/a",
            "/..%2f..%2fa",
            "/a%2f..",
            "//host/a",
            "/a//b",
            "/..\\a",
            "/..%5ca",
            "/%5c..",
            "/a%00",
            "/a\r\nb",
            "/a#b",
            "/a%0d",
            "/你",
            "/%c0%ae%c0%ae/a",
            "/a%ff",
        ] {
            assert_eq!(below_base(path), None, "{path}");
        }
    }
}
