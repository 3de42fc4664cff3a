//! A committed answer said in another dialect, event by event.

use bytes::Bytes;

use super::{Events, Kind, Relay};
use crate::dialects::sse::Frame;
use crate::engine::meter::Fault;
use crate::hub::Event;

impl Relay {
    /// Says one event of the upstream's in the client's dialect.
    pub(super) fn translate(&mut self, frame: &Frame) {
        let Kind::Events(Events { translator: Some(translator), speech, finished, .. }) = &mut self.kind else { return };
        let (meter, mut error) = (&mut self.meter, None);
        let said = translator.translate(frame, |event| match event {
            Event::Usage(usage) => {
                meter.report(*usage);
                true
            }
            Event::Error(failed) => {
                error.get_or_insert_with(|| failed.clone());
                false
            }
            Event::Finish(_) => {
                *finished = true;
                true
            }
            event => {
                meter.events(u64::from(event.is_content()));
                error.is_none()
            }
        });
        let is_end = speech.upstream().is_end(frame);
        match said {
            Ok(said) => self.said(said),
            Err(mistake) => {
                let _ = self.break_off(mistake.to_string(), Fault::Upstream);
                return;
            }
        }
        if let Some(error) = error {
            let last = self.last_words(&error);
            self.fail(&error, last);
        } else if is_end {
            self.conclude();
            self.done();
        }
    }

    /// The end of a translated answer that is complete.
    pub(super) fn conclude(&mut self) {
        let Kind::Events(Events { translator: Some(translator), .. }) = &mut self.kind else { return };
        let end = translator.end();
        self.said(end);
    }

    /// Passes on what was translated: no event, one, or several.
    fn said(&mut self, said: Bytes) {
        if said.is_empty() {
            return;
        }
        if let Kind::Events(Events { keeper: Some(keeper), .. }) = &mut self.kind {
            keeper.events(&said);
        }
        self.queue.push_back(said);
    }
}
