//! What Converse says went wrong: an exception's name and its words. The status is in the name.

use crate::dialects::DialectError;
use crate::dialects::members::Members;
use crate::hub::ApiError;

/// The status that an exception has where it comes instead of an answer; it says whose fault it was. A quota that is used
/// up is 400 there, and yet no fault of the request's.
const CODES: [(&str, &str); 11] = [
    ("validationException", "400"),
    ("accessDeniedException", "403"),
    ("resourceNotFoundException", "404"),
    ("modelTimeoutException", "408"),
    ("modelErrorException", "424"),
    ("modelStreamErrorException", "424"),
    ("throttlingException", "429"),
    ("modelNotReadyException", "429"),
    ("serviceQuotaExceededException", "429"),
    ("internalServerException", "500"),
    ("serviceUnavailableException", "503"),
];

/// The exception `kind`; either case of its first letter.
pub fn of(kind: &str, message: String) -> ApiError {
    let code = CODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(kind)).map_or("", |(_, code)| code);
    ApiError { message, kind: kind.to_owned(), code: code.to_owned() }
}

/// Reads an error out of what should have been something else: `{"error":{"type","message"}}` as the
/// [framer](super::eventstream) writes it, `{"message","__type"}` as AWS writes a whole one.
pub fn read(members: &mut Members<'_>) -> Result<Option<ApiError>, DialectError> {
    if let Some(told) = members.take("error") {
        if told.is_text() {
            return Ok(Some(of("", told.text()?)));
        }
        let mut error = told.object()?;
        let kind = error.text("type")?.unwrap_or_default();
        return Ok(Some(of(&kind, error.text("message")?.unwrap_or_default())));
    }
    // AWS's front answers so where it does not know the path, even with a status of success.
    let mut front = members.object("Output")?;
    let named = front.as_mut().map_or_else(|| members.text("__type"), |front| front.text("__type"))?;
    let message = members.text("message")?.map_or_else(|| members.text("Message"), |message| Ok(Some(message)))?;
    if named.is_none() && message.is_none() {
        return Ok(None);
    }
    Ok(Some(of(bare(&named.unwrap_or_default()), message.unwrap_or_default())))
}

/// `com.amazonaws.bedrock#ValidationException:http://…` without its namespace and its address.
fn bare(kind: &str) -> &str {
    let kind = kind.rsplit_once('#').map_or(kind, |(_, name)| name);
    kind.split(':').next().unwrap_or_default()
}
