//! Which requests are taken at all: those on whose meaning every server agrees, and no more at once than there is room for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Version};

use crate::config::Server;
use crate::server::accept::Surplus;
use crate::server::error::Rejection;

/// Longest path with its query; nginx takes as much of a request line.
const TARGET_BYTES: usize = 8 * 1024;
/// Longest method. Any is passed on, for there may be new ones.
const METHOD_BYTES: usize = 32;

/// Refuses what servers on the way could understand in two ways, and what a gateway cannot pass on. hyper has refused
/// what is no HTTP, lengths that disagree, folded lines, and a last coding other than `chunked`.
pub(super) fn check_form(parts: &Parts) -> Result<(), Rejection> {
    // An upstream's answer to TRACE would tell the client our key.
    if matches!(parts.method, Method::CONNECT | Method::TRACE) || parts.method.as_str().len() > METHOD_BYTES {
        let shown = parts.method.as_str().chars().take(METHOD_BYTES).collect();
        return Err(Rejection::MethodRefused(shown));
    }
    let Some(target) = parts.uri.path_and_query() else {
        return Err(Rejection::Malformed("the request's target is neither a path nor a URL"));
    };
    if target.as_str().len() > TARGET_BYTES {
        return Err(Rejection::TargetTooLong { limit: TARGET_BYTES });
    }
    check_host(parts)?;
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    // hyper looks at the last coding only; a server before us that knows another one, or none, would end the body elsewhere.
    let is_plain = |value: &http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some_and(|first| !is_plain(first)) || codings.next().is_some() {
        return Err(Rejection::Malformed("the only transfer coding that is taken is a single `chunked`"));
    }
    Ok(())
}

/// RFC 9112 §3.2.
fn check_host(parts: &Parts) -> Result<(), Rejection> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(Rejection::Malformed("more than one `Host`")),
        (None, None) if parts.version == Version::HTTP_11 => Err(Rejection::Malformed("`Host` is missing")),
        (Some(host), None) if !host.is_empty() && Authority::try_from(host.as_bytes()).is_err() => {
            Err(Rejection::Malformed("`Host` is no host"))
        }
        _ => Ok(()),
    }
}

/// How many requests are on their way.
#[derive(Default)]
pub(super) struct Requests(AtomicUsize);

/// A request's place; dropping it makes room.
pub(super) struct Place(Arc<Requests>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Requests {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A place for a request, where there is one.
    pub(super) fn admit(self: &Arc<Requests>, parts: &Parts, room: Room) -> Result<Place, Rejection> {
        if parts.extensions.get::<Surplus>().is_some() {
            return Err(Rejection::Full { what: "connections", limit: room.connections, key: "server.max_connections" });
        }
        let more = |now: usize| (now < room.requests).then_some(now + 1);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Place(Arc::clone(self))),
            Err(_) => Err(Rejection::Full { what: "requests", limit: room.requests, key: "server.max_in_flight" }),
        }
    }
}

/// How much may go on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub requests: usize,
    pub connections: usize,
}

/// Open files kept free of connections: listeners, logs, the store, and connections beyond the limit.
const OTHER_FILES: u64 = 128;

impl Room {
    /// What this process has open files for. A request needs two, its client's connection and its upstream's, so
    /// either half is for one of them. Running out would stop accepting, and fail what was accepted.
    pub(super) fn of_process() -> Room {
        #[cfg(unix)]
        let files = rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        #[cfg(not(unix))]
        let files = u64::MAX;
        Room::of_files(files)
    }

    fn of_files(files: u64) -> Room {
        let each = (files - OTHER_FILES.min(files / 2)) / 2;
        let each = usize::try_from(each).unwrap_or(usize::MAX).max(1);
        Room { requests: each, connections: each }
    }

    /// The same, where the configuration does not say otherwise.
    pub(super) fn or_as(self, config: &Server) -> Room {
        let or = |configured: Option<u32>, own| configured.map_or(own, |number| usize::try_from(number).unwrap_or(usize::MAX));
        Room { requests: or(config.max_in_flight, self.requests), connections: or(config.max_connections, self.connections) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;
    use http::request::Parts;

    use super::{Requests, Room, check_form};
    use crate::server::accept::Surplus;
    use crate::server::error::Rejection;

    fn parts(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
        let request = Request::builder().method(method).uri(target);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_what_every_server_understands_alike_is_taken() {
        let host = ("host", "localhost");
        let (long, longer) = (format!("/{}", "x".repeat(8191)), format!("/{}?", "x".repeat(8191)));
        for (method, target, headers, status) in [
            ("GET", "/", vec![host], 200),
            ("PROPFIND", "http://x/", vec![("host", "")], 200),
            ("POST", &long, vec![host, ("transfer-encoding", "Chunked ")], 200),
            ("GET", "x:80", vec![host], 400),
            ("GET", &longer, vec![host], 414),
            ("TRACE", "/providers/a/x", vec![host], 405),
            ("CONNECT", "x:443", vec![host], 405),
            (&"X".repeat(33), "/", vec![host], 405),
            ("GET", "/", vec![], 400),
            ("GET", "/", vec![host, host], 400),
            ("GET", "/", vec![("host", "a, b")], 400),
            ("POST", "/", vec![host, ("transfer-encoding", "identity, chunked")], 400),
            ("POST", "/", vec![host, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], 400),
        ] {
            let checked = check_form(&parts(method, target, &headers)).map_or_else(|refusal| refusal.status().as_u16(), |()| 200);
            assert_eq!(checked, status, "{method} {:.20} {headers:?}", target);
        }
    }

    #[test]
    fn room_comes_back_with_a_request_that_ends() {
        let (requests, room) = (Arc::<Requests>::default(), Room { requests: 2, connections: 1 });
        let mut ask = parts("GET", "/", &[]);
        let first = requests.admit(&ask, room).unwrap();
        let _second = requests.admit(&ask, room).unwrap();
        assert!(matches!(requests.admit(&ask, room), Err(Rejection::Full { limit: 2, key: "server.max_in_flight", .. })));
        drop(first);
        assert!(requests.admit(&ask, room).is_ok());
        assert_eq!(requests.len(), 1);
        ask.extensions.insert(Surplus);
        assert!(matches!(requests.admit(&ask, room), Err(Rejection::Full { limit: 1, key: "server.max_connections", .. })));
    }

    #[test]
    fn room_follows_from_the_open_files() {
        for (files, each) in [(0, 1), (64, 16), (256, 64), (1024, 448), (1 << 20, 524_224)] {
            assert_eq!(Room::of_files(files), Room { requests: each, connections: each }, "{files}");
        }
        assert!(Room::of_files(u64::MAX).requests > usize::MAX / 4);
    }
}
