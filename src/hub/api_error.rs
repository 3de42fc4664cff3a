//! What an upstream says went wrong, free of any wire format.

use std::borrow::Cow;

/// What an upstream says went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// For people.
    pub message: String,
    /// `error.type`
    pub kind: String,
    /// `error.code`, numbers as text.
    pub code: String,
}

/// What an error is about that another model may do better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The prompt is longer than the model takes.
    ContextLength,
    /// A filter refused.
    ContentPolicy,
}

impl Topic {
    /// OpenAI's code for it.
    pub fn code(self) -> &'static str {
        match self {
            Topic::ContextLength => "context_length_exceeded",
            Topic::ContentPolicy => "content_policy_violation",
        }
    }
}

impl ApiError {
    /// Whether one of `patterns` (lower case) stands in the type or the code, or in the message if that counts.
    pub fn matches(&self, patterns: &[String], message_counts: bool) -> bool {
        let (kind, code, message) = (self.kind.to_lowercase(), self.code.to_lowercase(), self.message.to_lowercase());
        patterns.iter().any(|pattern| kind.contains(pattern) || code.contains(pattern) || (message_counts && message.contains(pattern)))
    }

    /// Whether the credential itself is refused, whatever the status. Messages repeat what clients write, so of those only
    /// whole sentences count, and only at their beginning.
    pub fn names_the_credential(&self) -> bool {
        const CODES: [&str; 5] =
            ["invalid_api_key", "insufficient_quota", "account_deactivated", "invalid_authentication", "authentication_error"];
        const SENTENCES: [&str; 3] = ["incorrect api key provided", "api key not valid", "invalid api key"];
        let (kind, code, message) = (self.kind.to_lowercase(), self.code.to_lowercase(), self.message.to_lowercase());
        CODES.iter().any(|word| kind == *word || code == *word) || SENTENCES.iter().any(|sentence| message.starts_with(sentence))
    }

    /// Whether it says, by its own code or type, that the request was wrong rather than the upstream.
    pub fn blames_the_request(&self) -> bool {
        const CODES: [&str; 7] =
            ["400", "413", "422", "content_filter", "content_policy_violation", "context_length_exceeded", "data_inspection_failed"];
        CODES.contains(&self.code.as_str()) || matches!(self.kind.as_str(), "invalid_request_error" | "content_filter")
    }

    /// What it is about, if that is what another model may do better.
    pub fn topic(&self) -> Option<Topic> {
        const TOO_LONG: [&str; 9] = [
            "context_length_exceeded",
            "model_context_window_exceeded",
            "maximum context length",
            "prompt is too long",
            "input is too long",
            "input token count",
            "context window",
            "exceeds the context",
            "too many tokens",
        ];
        const POLICY: [&str; 8] = [
            "content_filter",
            "content_policy",
            "cyber_policy",
            "bio_policy",
            "moderation_blocked",
            "data_inspection_failed",
            "responsibleaipolicyviolation",
            "content management policy",
        ];
        let text = format!("{} {} {}", self.kind, self.code, self.message).to_lowercase();
        let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match () {
            () if holds(&TOO_LONG) => Some(Topic::ContextLength),
            () if holds(&POLICY) => Some(Topic::ContentPolicy),
            () => None,
        }
    }

    /// In one line, for a list of attempts.
    pub fn summary(&self) -> Cow<'_, str> {
        const LONGEST_NAME: usize = 100;
        const LONGEST: usize = 200;
        let name = in_one_line(if self.code.is_empty() { &self.kind } else { &self.code }, LONGEST_NAME);
        let message = in_one_line(&self.message, LONGEST);
        match (name.is_empty(), message.is_empty()) {
            (true, true) => Cow::Borrowed("an error without a message"),
            (false, true) => Cow::Owned(name),
            (true, false) => Cow::Owned(message),
            (false, false) => Cow::Owned(format!("{name}: {message}")),
        }
    }
}

/// The words of `text` with single blanks between them, at most `longest` characters.
fn in_one_line(text: &str, longest: usize) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::{ApiError, Topic};

    #[test]
    fn a_refused_request_is_told_from_a_failed_upstream() {
        let error = |kind: &str, code: &str| ApiError { message: "不行".to_owned(), kind: kind.to_owned(), code: code.to_owned() };
        for (kind, code) in [("", "400"), ("invalid_request_error", ""), ("", "content_filter"), ("x", "content_policy_violation")] {
            assert!(error(kind, code).blames_the_request(), "{kind} {code}");
        }
        for (kind, code) in [("", ""), ("server_error", "overloaded"), ("", "500"), ("rate_limit_error", "429")] {
            assert!(!error(kind, code).blames_the_request(), "{kind} {code}");
        }
    }

    #[test]
    fn what_another_model_may_do_better_is_recognised_in_every_vendors_words() {
        let topic = |kind: &str, code: &str, message: &str| {
            ApiError { message: message.to_owned(), kind: kind.to_owned(), code: code.to_owned() }.topic()
        };
        for (kind, code, message) in [
            ("invalid_request_error", "context_length_exceeded", ""),
            ("invalid_request_error", "", "prompt is too long: 210000 tokens > 200000 maximum"),
            ("INVALID_ARGUMENT", "400", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
            ("ValidationException", "", "Input is too long for requested model."),
        ] {
            assert_eq!(topic(kind, code, message), Some(Topic::ContextLength), "{message}");
        }
        for (kind, code) in [("", "content_filter"), ("invalid_request_error", "cyber_policy"), ("data_inspection_failed", "")] {
            assert_eq!(topic(kind, code, "不行"), Some(Topic::ContentPolicy), "{kind} {code}");
        }
        assert_eq!(topic("invalid_request_error", "", "`temperature` must be a number"), None);
    }

    #[test]
    fn a_summary_is_one_short_line_whatever_the_upstream_sends() {
        let error = ApiError { message: "长\r\n".repeat(500), kind: String::new(), code: "码 \n".repeat(500) };
        assert!(error.summary().chars().count() <= 302 && !error.summary().contains('\n'));
    }

    #[test]
    fn patterns_look_into_messages_only_where_they_count() {
        let error = ApiError { message: "Rate_Limit hit".to_owned(), kind: "x".to_owned(), code: String::new() };
        let patterns = ["rate_limit".to_owned()];
        assert!(error.matches(&patterns, true) && !error.matches(&patterns, false));
    }
}
