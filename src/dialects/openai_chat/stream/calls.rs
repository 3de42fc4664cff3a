//! Tool calls in pieces, put together by what vendors say of them.

use crate::hub::{Event, Signature};

/// The calls of one answer so far.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    /// The upstream's index, which some leave out.
    place: Option<u64>,
    /// The upstream's id; empty where it gave none.
    id: String,
    /// Its beginning was told.
    is_begun: bool,
    /// Arguments that came before the name.
    held: String,
}

/// A piece of a call.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) place: Option<u64>,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) is_custom: bool,
    pub(super) signature: Option<Signature>,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in the next piece. `answer`: the answer's id, for calls without one.
    pub(super) fn take(&mut self, piece: Piece, answer: &str, events: &mut Vec<Event>) {
        let at = self.find(&piece).unwrap_or_else(|| {
            self.0.push(Call { place: piece.place, id: piece.id.clone(), is_begun: false, held: String::new() });
            self.0.len() - 1
        });
        let Some(call) = self.0.get_mut(at) else { return };
        let index = u32::try_from(at).unwrap_or(u32::MAX);
        if call.is_begun {
            events.extend(Some(piece.arguments).filter(|text| !text.is_empty()).map(|text| Event::ToolArguments { index, text }));
            return;
        }
        call.held.push_str(&piece.arguments);
        if call.id.is_empty() {
            call.id = piece.id;
        }
        if piece.name.is_empty() {
            return;
        }
        call.is_begun = true;
        let id = if !call.id.is_empty() { call.id.clone() } else { made_id(answer, index) };
        events.push(Event::ToolCall { index, id, name: piece.name, is_custom: piece.is_custom, signature: piece.signature });
        let held = std::mem::take(&mut call.held);
        events.extend(Some(held).filter(|text| !text.is_empty()).map(|text| Event::ToolArguments { index, text }));
    }

    /// Which call goes on. Some vendors give every call the index 0, some leave it out, some repeat the id in each piece
    /// and some have none at all: a name and another id together begin another call.
    fn find(&self, piece: &Piece) -> Option<usize> {
        let is_another = |call: &Call| !piece.name.is_empty() && !piece.id.is_empty() && !call.id.is_empty() && call.id != piece.id;
        if piece.place.is_some() {
            let at = self.0.iter().rposition(|call| call.place == piece.place)?;
            return (!is_another(&self.0[at])).then_some(at);
        }
        if !piece.id.is_empty() {
            let known = self.0.iter().rposition(|call| call.id == piece.id);
            return known.or_else(|| self.0.len().checked_sub(1).filter(|_| piece.name.is_empty()));
        }
        self.0.len().checked_sub(1).filter(|_| piece.name.is_empty())
    }
}

/// An id for a call that has none: the same whenever the same answer is read.
fn made_id(answer: &str, index: u32) -> String {
    if answer.is_empty() { format!("call_{index}") } else { format!("{answer}_call_{index}") }
}
