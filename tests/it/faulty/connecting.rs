//! The connection: not made, or lost around the answer's head.

use super::good::{FAULTY, answer};
use super::place::Certificate;
use super::{ANY, Fault, NOT_STREAM, Pace, Place, STREAM};
use crate::server::upstream::{Request, Step, events_head};

pub fn faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::of_place("connection refused", Place::Refused),
        Fault::of_place("hangs up on accepting", Place::HangsUp),
        Fault::of_place("tls: the server speaks plain http", Place::PlainForTls),
        Fault::of_place("tls: says nothing", Place::SilentForTls).at_pace(Pace::Impatient),
        Fault::of_place("tls: certificate of a stranger", Place::Tls(Certificate::OfAStranger)),
        Fault::of_place("tls: certificate for another name", Place::Tls(Certificate::ForAnotherName)),
        Fault::of_place("dns: no such name", Place::Unresolvable),
        Fault::new("dns: a dead address first", ANY, |request| answer(request, FAULTY)).at(Place::DeadAddressFirst),
        Fault::new("a pooled connection is closed as it is reused", ANY, stale).warm(),
    ];
    for (name, end) in [("closed", Step::Close), ("reset", Step::Reset)] {
        let new = |when: &str, kinds, steps: Vec<Step>| {
            let end = end.clone();
            Fault::new(format!("{name} {when}"), kinds, move |_| steps.iter().cloned().chain([end.clone()]).collect())
        };
        let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n";
        faults.extend([
            new("before its head", ANY, vec![]),
            new("within its head", ANY, vec![Step::Write(b"HTTP/1.1 200 OK\r\ncontent-ty".into())]),
            new("after its head", NOT_STREAM, vec![Step::Write(json.into())]),
            new("within its body", NOT_STREAM, vec![Step::Write(format!("{json}{{\"id\":").into_bytes())]),
            new("after a stream's head", STREAM, vec![events_head()]),
        ]);
    }
    faults
}

/// Answers a connection's first request only. Requests are numbered from 0, as are connections.
fn stale(request: &Request) -> Vec<Step> {
    if request.number == 0 || request.connection > 0 { answer(request, FAULTY) } else { vec![Step::Close] }
}
