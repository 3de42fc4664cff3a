//! Values that ours takes only in a certain form: what has another one is left behind, so that every result can be loaded.

use url::Url;

use super::source::At;

/// The address of a page that is not an upstream, such as a login's.
pub(super) fn web_address(at: &At<'_>) -> Option<String> {
    address(at, &["http", "https"], "it is no address")
}

/// The address of a proxy.
pub(super) fn proxy(at: &At<'_>) -> Option<String> {
    address(at, &["http", "https", "socks5", "socks5h"], "it is no address of a proxy")
}

fn address(at: &At<'_>, schemes: &[&str], wrong: &str) -> Option<String> {
    let text = at.filled()?;
    if is_address(&text, schemes) {
        return Some(text);
    }
    at.leave(wrong);
    None
}

fn is_address(text: &str, schemes: &[&str]) -> bool {
    is_reference(text) || Url::parse(text).is_ok_and(|url| url.has_host() && schemes.contains(&url.scheme()))
}

/// Whether it begins with a variable: what that holds is not known here.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with("${")
}

/// An address or a name to listen on.
pub(super) fn host(at: &At<'_>) -> Option<String> {
    let text = at.filled()?;
    let host = text.trim_matches(['[', ']']);
    let is_name = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if is_reference(&text) || is_name || host.parse::<std::net::IpAddr>().is_ok() {
        return Some(host.to_owned());
    }
    at.leave("it is neither an address nor a name to listen on");
    None
}

/// A region of a cloud, or the variable that usually holds it.
pub(super) fn region(at: Option<At<'_>>) -> String {
    let of_file = at.and_then(|at| {
        let text = at.filled()?;
        let is_one = is_reference(&text) || text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !is_one {
            at.leave("it is no region: $AWS_REGION is asked for");
        }
        Some(text).filter(|_| is_one)
    });
    of_file.unwrap_or_else(|| "${AWS_REGION}".to_owned())
}

/// The id of a Google Cloud project.
pub(super) fn project(at: &At<'_>) -> Option<String> {
    let text = at.filled()?;
    let is_one = is_reference(&text) || text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':'));
    if !is_one {
        at.leave("it is no id of a project");
    }
    Some(text).filter(|_| is_one)
}

/// `429`, `5xx`
pub(super) fn statuses(at: &At<'_>) -> Vec<String> {
    let is_one = |text: &str| {
        text.len() == 3 && text.starts_with(['1', '2', '3', '4', '5']) && text[1..].bytes().all(|b| b.is_ascii_digit() || b == b'x')
    };
    let read = |item: &At<'_>| {
        let text = item.filled()?.to_ascii_lowercase();
        if !is_one(&text) {
            item.leave("it is no status");
        }
        Some(text).filter(|text| is_one(text))
    };
    at.items().iter().filter_map(read).collect()
}
