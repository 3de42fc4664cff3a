//! What a provider signed or encrypted, and only it can read again.

use crate::hub::Kind;

/// State of one provider that a client keeps for it: a signature of its reasoning, or the reasoning itself, encrypted.
///
/// It goes back to the dialect it came from and to no other. Clients of another dialect get it [marked](Self::marked).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Whose it is.
    pub origin: Kind,
    /// What it is.
    pub form: Form,
    /// As the provider wrote it; opaque.
    pub data: String,
}

/// What a [`Signature`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Proof that visible reasoning, or a tool call, is the provider's own.
    Signed,
    /// Reasoning itself, encrypted.
    Encrypted,
}

/// Begins a signature of one dialect within another's message: `llmgw.DIALECT.FORM.DATA`.
pub const MARK: &str = "llmgw.";

impl Signature {
    /// A provider's own, as it stands in its own dialect.
    pub fn new(origin: Kind, form: Form, data: impl Into<String>) -> Signature {
        Signature { origin, form, data: data.into() }
    }

    /// Reads a text of a message of the dialect `own`: marked ones are another's.
    pub fn read(own: Kind, form: Form, text: &str) -> Signature {
        Signature::read_marked(text).unwrap_or_else(|| Signature::new(own, form, text))
    }

    /// Reads a text that counts only if it is marked.
    pub fn read_marked(text: &str) -> Option<Signature> {
        let (word, rest) = text.strip_prefix(MARK)?.split_once('.')?;
        let (form, data) = rest.split_once('.')?;
        let form = match form {
            "s" => Form::Signed,
            "e" => Form::Encrypted,
            _ => return None,
        };
        Some(Signature::new(Kind::of_word(word)?, form, data))
    }

    /// As it stands in a message of another dialect, so that it is known again when it comes back.
    pub fn marked(&self) -> String {
        let form = match self.form {
            Form::Signed => "s",
            Form::Encrypted => "e",
        };
        format!("{MARK}{}.{form}.{}", self.origin, self.data)
    }

    /// As it stands in a message of the dialect `kind`: bare in its own, marked in another.
    pub fn within(&self, kind: Kind) -> String {
        if self.origin == kind { self.data.clone() } else { self.marked() }
    }

    /// What `kind` made itself: the only thing that an upstream of that dialect may be sent.
    pub fn of(&self, kind: Kind) -> Option<&str> {
        (self.origin == kind).then_some(self.data.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Signature};
    use crate::hub::Kind;

    #[test]
    fn a_mark_is_read_back() {
        let gemini = Signature::new(Kind::Gemini, Form::Signed, "Ab+/=.c");
        assert_eq!(Signature::read(Kind::Anthropic, Form::Signed, &gemini.within(Kind::Anthropic)), gemini);
        assert_eq!(gemini.within(Kind::Gemini), "Ab+/=.c");
        assert_eq!(gemini.of(Kind::Anthropic), None);
        let own = Signature::read(Kind::Anthropic, Form::Encrypted, "llmgw.unknown.s.x");
        assert_eq!(own.of(Kind::Anthropic), Some("llmgw.unknown.s.x"));
    }
}
