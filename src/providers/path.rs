//! Whether a client's path stays below a provider's `base_url`.

use std::borrow::Cow;

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

/// Parameters of a query that are credentials by their names: a client's is no upstream's business.
const CREDENTIALS: [&[u8]; 5] = [b"key", b"api_key", b"api-key", b"apikey", b"access_token"];

/// `path` without a client's credentials in its query; the rest stays as it was written.
pub fn without_credentials(path: &str) -> Cow<'_, str> {
    let Some((segments, query)) = path.split_once('?') else { return Cow::Borrowed(path) };
    let kept: Vec<&str> = query.split('&').filter(|parameter| !is_credential(parameter)).collect();
    match kept.len() {
        length if length == query.split('&').count() => Cow::Borrowed(path),
        0 => Cow::Borrowed(segments),
        _ => Cow::Owned(format!("{segments}?{}", kept.join("&"))),
    }
}

fn is_credential(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    let name: Vec<u8> = percent_decode(name.as_bytes()).collect();
    CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn stays(path: &[u8]) -> bool {
    // Bytes that are no text are a dot or a slash to who decodes them carelessly.
    str::from_utf8(path).is_ok()
        && path.split(|byte| *byte == b'/').all(|segment| segment != b"." && segment != b"..")
        && !path.iter().any(|byte| *byte == b'\\' || byte.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, Uri};
    use proptest::prelude::*;
    use url::Url;

    use super::{below_base, without_credentials};
    use crate::providers::address::Address;
    use crate::providers::{Call, Target};
    use crate::transport::testing::provider;

    /// What tricks are made of.
    const PIECES: [&str; 34] = [
        "/",
        "//",
        "\\",
        ".",
        "..",
        "%2e",
        "%2E",
        "%252e",
        "%2f",
        "%5c",
        "%255c",
        "%00",
        "%0d%0a",
        "\r\n",
        "\t",
        " ",
        "@",
        "@evil.example",
        ":",
        "//evil.example",
        "http://evil.example",
        "#",
        "?",
        "&",
        "=",
        ";",
        "a",
        "files",
        "v1",
        "key=1",
        "。",
        "．",
        "%c0%ae",
        "[::1]",
    ];

    proptest! {
        #[test]
        fn whatever_is_asked_for_the_origin_stays_and_the_path_stays_below(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..9),
            base in proptest::sample::select(&["https://api.example", "http://api.example:8080/v1", "https://api.example/a/b%2Fc"][..]),
        ) {
            let written = pieces.concat();
            check(&written, base)?;
            check(&format!("/{written}"), base)?;
        }

        #[test]
        fn no_text_at_all_leads_elsewhere(written in "\\PC{0,40}") {
            check(&format!("/{written}"), "https://api.example/v1")?;
        }
    }

    fn check(written: &str, base: &str) -> Result<(), TestCaseError> {
        let Some(path) = below_base(written) else { return Ok(()) };
        let call = Call {
            target: Target::Path(&without_credentials(path)),
            method: &Method::GET,
            model: "",
            stream: false,
            headers: &HeaderMap::new(),
        };
        let Ok(head) = Address::new(&provider(base)).expect("an address").head(&call) else { return Ok(()) };
        let base = Url::parse(base).expect("a URL");
        // As hyper sends it, and as the strictest and the laxest upstream may read it.
        let uri: &Uri = &head.uri;
        prop_assert_eq!(uri.host(), base.host_str());
        prop_assert_eq!(uri.port_u16(), base.port());
        prop_assert_eq!(uri.authority().map(|authority| authority.as_str().contains('@')), Some(false));
        let mut target = uri.path().to_owned();
        for _ in 0..4 {
            let read = Url::parse(&format!("https://api.example{target}")).expect("a path");
            prop_assert_eq!(read.host_str(), Some("api.example"));
            let first = base.path().trim_end_matches('/').split("%2F").next().unwrap_or_default();
            prop_assert!(read.path().starts_with(first), "{} → {}", written, read);
            target = percent_encoding::percent_decode_str(&target).decode_utf8_lossy().into_owned();
        }
        Ok(())
    }

    #[test]
    fn a_clients_credentials_leave_the_query_and_nothing_else_does() {
        for (path, kept) in [
            ("/files", "/files"),
            ("/files?", "/files?"),
            ("/files?limit=2&after=a%20b&monkey=1", "/files?limit=2&after=a%20b&monkey=1"),
            ("/files?key=sk&limit=2", "/files?limit=2"),
            ("/files?limit=2&API_KEY=sk&a", "/files?limit=2&a"),
            ("/files?access_token=sk", "/files"),
            ("/files?%6bey=sk&apikey", "/files"),
        ] {
            assert_eq!(without_credentials(path), kept, "{path}");
        }
    }

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
            "/%c0%ae%c0%ae/a",
            "/..%c0%afa",
            "/你",
            "/a%ff",
        ] {
            assert_eq!(below_base(path), None, "{path}");
        }
    }
}
