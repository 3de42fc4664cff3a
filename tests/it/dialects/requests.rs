//! Every request of every client to every upstream.

use std::fmt::Write;

use llmgw::dialects::{Addressee, DialectError, Encoded, client, upstream};
use llmgw::hub::{Kind, Quirks, Request};

use super::{CLIENTS, Case, READERS, UPSTREAMS, cases, check, pretty};

/// `request` as an upstream of `kind` gets it.
pub fn encode(request: &Request, kind: Kind, model: &str) -> Result<Encoded, DialectError> {
    let quirks = Quirks::default();
    upstream(kind).encode_request(request, Addressee { model, quirks: &quirks })
}

fn section(request: &Request, kind: Kind, model: &str) -> String {
    let mut text = format!("=== {kind}\n");
    match encode(request, kind, model) {
        Err(error) => writeln!(text, "error: {error}").expect("written"),
        Ok(Encoded { body, headers, dropped }) => {
            for (name, value) in headers {
                writeln!(text, "{name}: {value}").expect("written");
            }
            if !dropped.is_empty() {
                writeln!(text, "dropped: {}", dropped.join(", ")).expect("written");
            }
            writeln!(text, "{}", pretty(&body)).expect("written");
        }
    }
    text
}

fn snapshot(kind: Kind, case: &Case) -> String {
    match client(kind).decode_request(&case.bytes) {
        Err(error) => format!("error: {error}\n"),
        Ok(request) => {
            let left_out = request.left_out.join(", ");
            let head = if left_out.is_empty() { String::new() } else { format!("left out: {left_out}\n") };
            head + &UPSTREAMS.map(|(target, model)| section(&request, target, model)).concat()
        }
    }
}

#[test]
fn every_request_is_said_to_every_upstream() {
    let all = READERS.into_iter().flat_map(|kind| cases("requests", kind).into_iter().map(move |case| (kind, case)));
    check(all.filter_map(|(kind, case)| case.matches_snapshot(&snapshot(kind, &case)).err()).collect());
}

/// What is wrong in itself is refused when it is read; arguments that are not JSON only by an upstream that wants them as JSON.
#[test]
fn what_a_client_got_wrong_is_refused_and_everything_else_can_be_read() {
    for kind in READERS {
        for case in cases("requests", kind) {
            let read = client(kind).decode_request(&case.bytes);
            let refused = |request: &Request| UPSTREAMS.iter().any(|(target, model)| encode(request, *target, model).is_err());
            let path = case.path.display();
            match (case.name().starts_with("bad_"), read) {
                (true, read) => assert!(read.as_ref().map_or(true, refused), "{path} is not bad"),
                (false, Ok(_) | Err(DialectError::Unsupported { .. } | DialectError::Declined { .. })) => {}
                (false, Err(error)) => panic!("{path}: {error}"),
            }
        }
    }
}

/// What is a hint or has no word is gone after the first time; nothing more is the second time.
#[test]
fn what_was_said_in_its_own_dialect_is_read_back_the_same() {
    for kind in CLIENTS {
        let model = UPSTREAMS.into_iter().find(|(other, _)| *other == kind).map(|(_, model)| model).expect("an upstream too");
        for case in cases("requests", kind) {
            let Ok(request) = client(kind).decode_request(&case.bytes) else { continue };
            let Ok(once) = encode(&request, kind, model) else { continue };
            let read = client(kind).decode_request(&once.body).unwrap_or_else(|error| panic!("{}: {error}", case.path.display()));
            let twice = encode(&read, kind, model).expect("said before");
            assert_eq!(pretty(&twice.body), pretty(&once.body), "{}", case.path.display());
        }
    }
}
