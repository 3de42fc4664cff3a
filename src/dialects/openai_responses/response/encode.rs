//! A whole answer for a client.

use crate::dialects::Occasion;
use crate::dialects::openai_responses::stream::Writer;
use crate::hub::{Answer, Event};

/// Writes a whole answer: what a stream of it would end with.
pub fn encode(mut answer: Answer, occasion: &Occasion) -> Vec<u8> {
    let mut logprobs = std::mem::take(&mut answer.logprobs);
    let mut writer = Writer::silent(occasion.clone());
    for event in answer.into_events() {
        let is_text = matches!(event, Event::Text(_));
        writer.take(event);
        // They do not say which text they belong to; nearly always there is one.
        if is_text {
            logprobs.drain(..).for_each(|list| writer.take(Event::Logprobs(list)));
        }
    }
    writer.finish()
}
