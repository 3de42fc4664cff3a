//! What was said, kept for observers that want it.

use bytes::{Bytes, BytesMut};

use crate::config::Secret;
use crate::telemetry::record::Bodies;

/// More of an answer is not kept: a stream may be without end.
const MOST: usize = 1024 * 1024;

/// The bodies of a request on its way.
pub(super) struct Capture {
    request: Bytes,
    response: BytesMut,
    is_cut: bool,
    secrets: Vec<Secret>,
}

impl Capture {
    pub(super) fn of(request: Bytes) -> Capture {
        Capture { request, response: BytesMut::new(), is_cut: false, secrets: Vec::new() }
    }

    pub(super) fn add(&mut self, piece: &[u8]) {
        let room = MOST - self.response.len();
        self.is_cut |= piece.len() > room;
        self.response.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// What may stand in the answer and must not be shown.
    pub(super) fn hide(&mut self, secrets: Vec<Secret>) {
        self.secrets = secrets;
    }

    pub(super) fn into_bodies(self) -> Bodies {
        Bodies { request: self.request, response: self.response.freeze(), is_cut: self.is_cut, secrets: self.secrets }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Capture, MOST};

    #[test]
    fn an_answer_without_end_is_kept_as_far_as_there_is_room() {
        let mut capture = Capture::of(Bytes::from_static("你好".as_bytes()));
        for _ in 0..3 {
            capture.add(&vec![b'x'; MOST / 2]);
        }
        let bodies = capture.into_bodies();
        assert_eq!((bodies.request.len(), bodies.response.len(), bodies.is_cut), (6, MOST, true));
    }
}
