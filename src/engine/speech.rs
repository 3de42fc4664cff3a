//! In which dialects the two sides of one attempt speak, and what that makes of an upstream's words.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};

use crate::dialects::custom::Unwrapper;
use crate::dialects::sse::Frame;
use crate::dialects::{ClientDialect, Decoder, DialectError, Encoder, Occasion, UpstreamDialect};
use crate::hub::{ApiError, Event, Kind, Request};

/// In which dialects the two sides speak.
#[derive(Clone, Debug)]
pub enum Speech {
    /// It is no chat.
    Plain {
        /// In which the client reads errors.
        errors: Kind,
    },
    /// The client's dialect: bytes go by as they are.
    Same(Kind),
    /// Each its own.
    Translated {
        /// The client's.
        client: Kind,
        /// The upstream's.
        upstream: Kind,
        /// What was asked.
        request: Arc<Request>,
    },
}

impl Speech {
    /// In which the client reads answers and errors.
    pub fn client(&self) -> &'static dyn ClientDialect {
        crate::dialects::client(self.client_kind())
    }

    /// The client's dialect.
    pub fn client_kind(&self) -> Kind {
        match self {
            Speech::Plain { errors } => *errors,
            Speech::Same(kind) | Speech::Translated { client: kind, .. } => *kind,
        }
    }

    /// In which the upstream answers.
    pub fn upstream(&self) -> &'static dyn UpstreamDialect {
        crate::dialects::upstream(self.upstream_kind())
    }

    /// The upstream's dialect.
    pub fn upstream_kind(&self) -> Kind {
        match self {
            Speech::Plain { .. } => Kind::OpenAiChat,
            Speech::Same(kind) | Speech::Translated { upstream: kind, .. } => *kind,
        }
    }

    /// Whether bytes do not go by as they are.
    pub fn is_translated(&self) -> bool {
        matches!(self, Speech::Translated { .. })
    }

    /// What an answer is made for; `None`: it goes by.
    fn occasion(&self) -> Option<Occasion> {
        let Speech::Translated { request, .. } = self else { return None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Some(Occasion { request: request.clone(), now, seed: rand::random() })
    }

    /// A whole answer of the upstream in the client's dialect; `Err`: it cannot be read.
    pub fn reply(&self, body: Bytes) -> Result<Bytes, DialectError> {
        let Some(occasion) = self.occasion() else { return Ok(body) };
        let answer = self.upstream().decode_response(&body)?;
        let answer = match Unwrapper::of(&occasion.request) {
            Some(unwrapper) => unwrapper.whole(answer),
            None => answer,
        };
        Ok(self.client().encode_response(answer, &occasion).into())
    }

    /// An upstream's error body in the client's dialect.
    pub fn error(&self, status: u16, body: Bytes) -> Bytes {
        if !self.is_translated() {
            return body;
        }
        let mut error = ApiError::read_failed(&body).unwrap_or_else(|| ApiError { message: plain(status, &body), ..ApiError::default() });
        // Clients act on the word, whatever their upstream's vendor calls it.
        if let Some(topic) = error.topic() {
            error.code = topic.code().to_owned();
        }
        self.client().encode_error(status, &error).into()
    }

    /// Translates a stream; `None`: it goes by.
    pub fn translator(&self) -> Option<Translator> {
        let occasion = self.occasion()?;
        let unwrapper = Unwrapper::of(&occasion.request);
        let (decoder, encoder) = (self.upstream().decoder(), self.client().encoder(occasion));
        Some(Translator { decoder, unwrapper, encoder, events: Vec::new(), out: BytesMut::new() })
    }
}

/// What can be said of an error that is no JSON.
fn plain(status: u16, body: &[u8]) -> String {
    const LONGEST: usize = 300;
    let text = String::from_utf8_lossy(body);
    match text.trim() {
        "" => format!("the upstream answered {status}"),
        page if page.starts_with('<') => format!("the upstream answered {status} with a web page"),
        text => text.chars().take(LONGEST).collect(),
    }
}

/// Translates one stream, frame by frame.
pub struct Translator {
    decoder: Box<dyn Decoder>,
    unwrapper: Option<Unwrapper>,
    encoder: Box<dyn Encoder>,
    events: Vec<Event>,
    out: BytesMut,
}

impl Translator {
    /// What `frame` says in the client's dialect, with `look` at each event on its way: whether it goes on.
    pub fn translate(&mut self, frame: &Frame, mut look: impl FnMut(&Event) -> bool) -> Result<Bytes, DialectError> {
        self.events.clear();
        self.decoder.decode(frame, &mut self.events)?;
        if let Some(unwrapper) = &mut self.unwrapper {
            for event in std::mem::take(&mut self.events) {
                unwrapper.take(event, &mut self.events);
            }
        }
        for event in self.events.drain(..) {
            if look(&event) {
                self.encoder.encode(event, &mut self.out);
            }
        }
        Ok(self.out.split().freeze())
    }

    /// What belongs to the end of a complete answer.
    pub fn end(&mut self) -> Bytes {
        self.encoder.end(&mut self.out);
        self.out.split().freeze()
    }
}
