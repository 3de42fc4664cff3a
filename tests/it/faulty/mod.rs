//! An upstream that misbehaves on the wire, in every way that we could think of, as data.
//!
//! A [`Fault`] is a name, where it happens ([`Place`]) and a script: the bytes and pauses with which the upstream meets
//! a request. [`all`] lists every one of them, grouped by kind of trouble, one file a group. [`Faulty`] runs one fault,
//! over sockets or in memory (for a paused clock). [`Mix`] is one upstream with many of them: a client chooses which by a
//! header, which llmgw passes on, so that the outcome can be held against the table.
//!
//! What llmgw is to make of each of them is written down elsewhere: `tests/it/matrix/outcomes.txt`.

#![expect(clippy::expect_used, reason = "a helper of tests fails its test")]

mod bodies;
mod connecting;
pub mod good;
mod http2;
mod lies;
mod limits;
mod place;
pub mod protocol;
mod slow;
mod statuses;
mod streams;

use std::sync::Arc;

use crate::server::upstream::{Behaviour, Request, Step};

pub use http2::Break;
pub use place::{Faulty, Place};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Chat,
    Stream,
    Embeddings,
    Multipart,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Chat, Kind::Stream, Kind::Embeddings, Kind::Multipart];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Chat => "chat",
            Kind::Stream => "stream",
            Kind::Embeddings => "embeddings",
            Kind::Multipart => "multipart",
        }
    }

    /// Which kind a request is that has reached an upstream.
    pub fn of(request: &Request) -> Kind {
        match request.target.rsplit('/').next() {
            Some("embeddings") => Kind::Embeddings,
            Some("transcriptions") => Kind::Multipart,
            _ if request.json()["stream"] == true => Kind::Stream,
            _ => Kind::Chat,
        }
    }
}

/// Which kinds of request a fault makes sense for.
const ANY: &[Kind] = &Kind::ALL;
const STREAM: &[Kind] = &[Kind::Stream];
const NOT_STREAM: &[Kind] = &[Kind::Chat, Kind::Embeddings, Kind::Multipart];

/// Which time a fault is played in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It answers or fails at once; limits of time are as by default, and are never met.
    Prompt,
    /// Over sockets, with limits of time so short that they are always met.
    Impatient,
    /// In memory, under a paused clock, with the default limits of time.
    Paused,
}

/// One way to misbehave.
#[derive(Clone)]
pub struct Fault {
    pub name: String,
    /// The requests that it makes sense for.
    pub kinds: &'static [Kind],
    pub place: Place,
    pub pace: Pace,
    /// It shows only on a connection that has answered before.
    pub is_warm: bool,
    script: Arc<Behaviour>,
}

impl Fault {
    fn new(name: impl Into<String>, kinds: &'static [Kind], script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Fault {
        let (place, pace) = (Place::Plain, Pace::Prompt);
        Fault { name: name.into(), kinds, place, pace, is_warm: false, script: Arc::new(script) }
    }

    /// A fault of a place where no request is ever answered.
    fn of_place(name: &str, place: Place) -> Fault {
        Fault { place, ..Fault::new(name, ANY, |_| vec![Step::Close]) }
    }

    fn at(self, place: Place) -> Fault {
        Fault { place, ..self }
    }

    fn at_pace(self, pace: Pace) -> Fault {
        Fault { pace, ..self }
    }

    fn warm(self) -> Fault {
        Fault { is_warm: true, ..self }
    }

    /// How it meets a request.
    pub fn steps(&self, request: &Request) -> Vec<Step> {
        (self.script)(request)
    }

    /// Whether it can be one of several faults of one upstream at one plain address, without a clock or a past.
    fn is_mixable(&self) -> bool {
        self.place == Place::Plain && self.pace == Pace::Prompt && !self.is_warm
    }
}

/// Many faults of one upstream.
#[derive(Clone)]
pub struct Mix(pub Arc<Vec<Fault>>);

impl Mix {
    /// The header in which a client names the position of a fault.
    pub const HEADER: &str = "x-fault";

    pub fn new() -> Mix {
        Mix(Arc::new(all().into_iter().flat_map(|group| group.faults).filter(Fault::is_mixable).collect()))
    }

    /// How the fault that `request` names meets it.
    pub fn steps(&self, request: &Request) -> Vec<Step> {
        let position = request.headers.get(Mix::HEADER).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        self.0[position.expect("a fault is named")].steps(request)
    }
}

/// Faults of one kind of trouble.
pub struct Group {
    pub name: &'static str,
    /// In one sentence, for the documentation.
    pub about: &'static str,
    pub faults: Vec<Fault>,
}

/// Every fault there is, in the order of the documentation.
pub fn all() -> Vec<Group> {
    let group = |name, about, faults| Group { name, about, faults };
    vec![
        group("connecting", "The connection: not made, or lost around the answer's head.", connecting::faults()),
        group("statuses", "Each status with each body.", statuses::faults()),
        group("limits", "429 with every form of a wait.", limits::faults()),
        group("lies", "A success that is none.", lies::faults()),
        group("streams", "Streams that fail, break off, or are written in an unusual way.", streams::faults()),
        group("bodies", "Content types, compression, lengths, sizes.", bodies::faults()),
        group("protocol", "HTTP that is unusual or broken, and redirects.", protocol::faults()),
        group("http2", "HTTP/2.", http2::faults()),
        group("slow", "Upstreams that take their time; with the default limits of time.", slow::faults()),
    ]
}
