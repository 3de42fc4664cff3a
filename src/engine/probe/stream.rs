//! A stream, read to its end.

use http_body_util::BodyExt;

use crate::dialects::frames::Framer;
use crate::dialects::sse::Frame;
use crate::dialects::{Decoder, UpstreamDialect};
use crate::engine::hold::Begun;
use crate::hub::{Event, Usage};

/// What an answer came to.
#[derive(Default)]
pub struct Said {
    /// Its text.
    pub text: String,
    /// What the upstream reported.
    pub usage: Option<Usage>,
    /// It said what it reasoned, too.
    pub has_reasoned: bool,
}

/// A stream, as far as it was read.
struct Heard {
    dialect: &'static dyn UpstreamDialect,
    decoder: Box<dyn Decoder>,
    said: Said,
    is_complete: bool,
}

impl Heard {
    fn take(&mut self, frame: &Frame) -> Result<(), String> {
        self.is_complete |= self.dialect.chunk(frame).done;
        let mut events = Vec::new();
        self.decoder.decode(frame, &mut events).map_err(|error| error.to_string())?;
        for event in events {
            match event {
                Event::Text(piece) | Event::Refusal(piece) => self.said.text.push_str(&piece),
                Event::Reasoning(_) => self.said.has_reasoned = true,
                Event::Usage(usage) => self.said.usage = Some(usage),
                Event::Finish(_) => self.is_complete = true,
                Event::Error(error) => return Err(error.summary().into_owned()),
                _ => {}
            }
        }
        Ok(())
    }

    fn drain(&mut self, framer: &mut Framer) -> Result<(), String> {
        while let Some(frame) = framer.next_frame() {
            self.take(&frame)?;
        }
        Ok(())
    }
}

/// What a stream says, which must come to its end.
pub async fn read(mut begun: Begun, dialect: &'static dyn UpstreamDialect) -> Result<Said, String> {
    let mut heard = Heard { dialect, decoder: dialect.decoder(), said: Said::default(), is_complete: false };
    for frame in &begun.held {
        heard.take(frame)?;
    }
    heard.drain(&mut begun.framer)?;
    while let Some(frame) = match begun.upstream.as_mut() {
        Some(upstream) => upstream.frame().await,
        None => None,
    } {
        let data = frame.map_err(|error| error.to_string())?.into_data().unwrap_or_default();
        begun.framer.push(data).map_err(|error| error.to_string())?;
        heard.drain(&mut begun.framer)?;
    }
    if let Some(rest) = begun.framer.rest() {
        heard.take(&rest)?;
    }
    if heard.is_complete { Ok(heard.said) } else { Err("the stream ended before it was complete".to_owned()) }
}
