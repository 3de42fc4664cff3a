//! What an upstream's reply means for the request: keep it, give it back as it is, or try the next. Pure.

use std::time::Duration;

use http::StatusCode;

use crate::config::Detect;
use crate::hub::ApiError;

/// What to do with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is an answer.
    Accept,
    /// It is the client's own mistake, or another status that is none of ours: it goes back as it is.
    GiveBack,
    /// The upstream failed.
    TryNext(Reason),
}

/// How an upstream failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It refused the credential.
    Credential,
    /// It is at a limit.
    RateLimited,
    /// A status or pattern that counts as failed. `lasting`: asking the same again is pointless; `harmless`: says nothing about its health.
    Failed {
        /// Asking the same upstream again is pointless.
        lasting: bool,
        /// Hurts nobody's health.
        harmless: bool,
    },
}

/// Looks at a reply's status, and at the error that its body holds (of a success: an error inside of it).
pub fn judge(detect: &Detect, status: StatusCode, error: Option<&ApiError>) -> Verdict {
    let code = status.as_u16();
    if status.is_success() {
        return match error {
            None => Verdict::Accept,
            Some(error) if error.names_the_credential() => Verdict::TryNext(Reason::Credential),
            // The next route may see it otherwise; this one's health is not at fault.
            Some(error) if error.blames_the_request() => Verdict::TryNext(Reason::Failed { lasting: true, harmless: true }),
            Some(_) => Verdict::TryNext(Reason::Failed { lasting: false, harmless: false }),
        };
    }
    if matches!(code, 401 | 402) || error.is_some_and(ApiError::names_the_credential) {
        return Verdict::TryNext(Reason::Credential);
    }
    if code == 429 && detect.status.has(code) {
        return Verdict::TryNext(Reason::RateLimited);
    }
    // A redirect is never followed: credentials would go along. To the client it would leak the upstream's address.
    if status.is_redirection() || status.is_informational() {
        return Verdict::TryNext(Reason::Failed { lasting: true, harmless: false });
    }
    let harmless = matches!(code, 400 | 403 | 413 | 422);
    if detect.status.has(code) {
        return Verdict::TryNext(Reason::Failed { lasting: !is_in_passing(code), harmless });
    }
    // The words of a client's mistake are the client's: a prompt about billing is no failure.
    let message_counts = !matches!(code, 400 | 413 | 422);
    if error.is_some_and(|error| error.matches(&detect.patterns, message_counts)) {
        return Verdict::TryNext(Reason::Failed { lasting: !is_in_passing(code), harmless });
    }
    Verdict::GiveBack
}

/// Statuses after which the same upstream may well answer the next time.
fn is_in_passing(code: u16) -> bool {
    matches!(code, 408 | 409 | 425 | 429 | 500..=599)
}

/// How long an upstream asks to be left alone, where it stands in the body: Google's `RetryInfo` among an error's details, such as `"retryDelay": "34s"`.
pub fn retry_delay(body: &[u8]) -> Option<Duration> {
    memchr::memmem::find(body, b"\"retryDelay\"")?;
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let details = body.get(0).unwrap_or(&body).pointer("/error/details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(1e9)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::{Reason, Verdict, judge, retry_delay};
    use crate::config::{Detect, StatusSet};
    use crate::hub::ApiError;

    fn detect() -> Detect {
        let status = StatusSet::parse(&["401", "402", "403", "404", "408", "409", "425", "429", "5xx"]).expect("patterns");
        Detect { status, patterns: vec!["insufficient_quota".to_owned(), "rate_limit".to_owned(), "billing".to_owned()] }
    }

    fn verdict(status: u16, body: &str) -> Verdict {
        judge(&detect(), StatusCode::from_u16(status).expect("a status"), ApiError::read_failed(body.as_bytes()).as_ref())
    }

    #[test]
    fn statuses_and_words_decide() {
        let failed = |lasting, harmless| Verdict::TryNext(Reason::Failed { lasting, harmless });
        let cases = [
            (200, "{}", Verdict::Accept),
            (200, r#"{"error":{"type":"overloaded"}}"#, failed(false, false)),
            (400, r#"{"error":{"message":"billing prompt too long"}}"#, Verdict::GiveBack),
            (400, r#"{"error":{"code":"billing_hard_limit"}}"#, failed(true, true)),
            (400, r#"{"error":{"message":"API key not valid"}}"#, Verdict::TryNext(Reason::Credential)),
            (401, "", Verdict::TryNext(Reason::Credential)),
            (402, "", Verdict::TryNext(Reason::Credential)),
            (200, r#"{"error":{"code":400,"message":"bad"}}"#, failed(true, true)),
            (400, r#"{"error":{"message":"Invalid value: 'invalid_api_key' is no role"}}"#, Verdict::GiveBack),
            (404, r#"{"error":{"message":"The model `insufficient_quota` does not exist","code":"model_not_found"}}"#, failed(true, false)),
            (403, r#"{"error":{"message":"region"}}"#, failed(true, true)),
            (404, "", failed(true, false)),
            (418, r#"{"error":{"message":"Rate_Limit"}}"#, failed(true, false)),
            (422, "", Verdict::GiveBack),
            (429, "", Verdict::TryNext(Reason::RateLimited)),
            (429, r#"{"error":{"code":"insufficient_quota"}}"#, Verdict::TryNext(Reason::Credential)),
            (302, "", failed(true, false)),
            (503, "<html>", failed(false, false)),
        ];
        for (status, body, expected) in cases {
            assert_eq!(verdict(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_wait_is_read_from_the_body_too() {
        let wait = |delay: &str| {
            let error = format!(r#"{{"error":{{"code":429,"details":[{{"@type":"QuotaFailure"}},{{"retryDelay":{delay}}}]}}}}"#);
            assert_eq!(retry_delay(format!("[{error}]").as_bytes()), retry_delay(error.as_bytes()));
            retry_delay(error.as_bytes())
        };
        assert_eq!((wait(r#""34s""#), wait(r#""1.5s""#)), (Some(Duration::from_secs(34)), Some(Duration::from_millis(1500))));
        for nonsense in [r#""soon""#, r#""-1s""#, r#""NaNs""#, "34", "null"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }
}
