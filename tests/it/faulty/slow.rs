//! Upstreams that take their time; with the default limits of time, under a paused clock.

use std::time::Duration;

use super::good::{FAULTY, body, event, role, said};
use super::{ANY, Fault, NOT_STREAM, Pace, STREAM};
use crate::server::upstream::{Request, Step, chunk, events_head};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

pub fn faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::new("says nothing", ANY, |_| vec![Step::Never]),
        Fault::new("stops within its head", ANY, |_| vec![Step::Write(b"HTTP/1.1 200 OK\r\ncontent".into()), Step::Never]),
        Fault::new("stops after its head", ANY, |request| vec![head(request), Step::Never]),
        Fault::new("stops within its body", NOT_STREAM, |request| vec![head(request), Step::Write(b"{\"".into()), Step::Never]),
        Fault::new("stops after the role", STREAM, |_| vec![events_head(), chunk(event(&role()).as_bytes()), Step::Never]),
        Fault::new("stops after a word", STREAM, |_| vec![events_head(), chunk(said("坏").as_bytes()), Step::Never]),
        Fault::new("comments and no content", STREAM, |_| {
            let comments = (0..1000).flat_map(|_| [chunk(b": OPENROUTER PROCESSING\n\n"), Step::Pause(SECOND)]);
            [events_head()].into_iter().chain(comments).collect()
        }),
        Fault::new("pings and no content", STREAM, |_| {
            let pings = (0..1000).flat_map(|_| [chunk(b"event: ping\ndata: {\"type\":\"ping\"}\n\n"), Step::Pause(15 * SECOND)]);
            [events_head()].into_iter().chain(pings).collect()
        }),
        Fault::new("a body of a byte a second", ANY, |request| dripping(request, SECOND)),
        Fault::new("a body of a byte a minute", ANY, |request| dripping(request, MINUTE)),
        Fault::new("a head of a byte a second", ANY, |_| {
            let head = b"HTTP/1.1 200 OK\r\nx-long: ".iter().copied().chain([b'x'; 2000]);
            head.flat_map(|byte| [Step::Write(vec![byte]), Step::Pause(SECOND)]).collect()
        }),
        Fault::new("an answer after 55 s", ANY, |request| {
            let mut steps = vec![Step::Pause(55 * SECOND)];
            steps.extend(super::good::answer(request, FAULTY));
            steps
        }),
        Fault::new("a word every 100 s", STREAM, |_| {
            let words = FAULTY.chars().flat_map(|letter| [chunk(said(&letter.to_string()).as_bytes()), Step::Pause(100 * SECOND)]);
            let end = [chunk(super::good::closing().as_bytes()), chunk(super::good::DONE.as_bytes()), super::good::last_chunk()];
            [events_head()].into_iter().chain(words).chain(end).collect()
        }),
        Fault::new("an error whose body never ends", ANY, |_| {
            vec![Step::Write(b"HTTP/1.1 500 Oops\r\ncontent-length: 1000\r\n\r\n{\"error\":".into()), Step::Never]
        }),
        Fault::new("a refusal whose body never ends", ANY, |_| {
            vec![
                Step::Write(b"HTTP/1.1 400 Oops\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"error\":".into()),
                Step::Never,
            ]
        }),
    ];
    for fault in &mut faults {
        fault.pace = Pace::Paused;
    }
    faults
}

fn head(request: &Request) -> Step {
    let (content_type, text) = body(request, FAULTY);
    Step::Write(format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n", text.len()).into_bytes())
}

/// A whole answer whose body comes byte by byte.
fn dripping(request: &Request, pause: Duration) -> Vec<Step> {
    let bytes = body(request, FAULTY).1.into_bytes();
    [head(request)].into_iter().chain(bytes.into_iter().flat_map(|byte| [Step::Pause(pause), Step::Write(vec![byte])])).collect()
}
