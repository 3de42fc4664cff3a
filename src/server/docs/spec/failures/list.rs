//! Every failure, by status; then those that come together.

use super::Failure;

const RETRY: &[&str] = &["retry-after", "retry-after-ms"];
const FINAL: &[&str] = &["x-should-retry", "x-llmgw-attempts"];

const AMBIGUOUS: (&str, &str) = ("invalid_request", "HTTP that may be read in two ways");
const NOT_JSON: (&str, &str) = ("invalid_json", "The body is not JSON, not UTF-8, no object, or nested too deep");
const NOT_A_REQUEST: (&str, &str) = ("invalid_request", "A field is missing, has a wrong type, or is given twice; `param` names it");
const NO_KEY: (&str, &str) = ("invalid_api_key", "No key, or one that is not in `auth.keys`");
const OTHER_MACHINE: (&str, &str) =
    ("forbidden", "A gateway without keys was asked by another machine, by a web page, or for another `Host`");
const NO_MODEL: (&str, &str) = ("model_not_found", "Nothing answers to the name; the message has the nearest names");
const OTHER_PORT: (&str, &str) = ("not_found", "Administration has a port of its own (`admin.port`)");
const NO_MORE_BODY: (&str, &str) = ("request_timeout", "The body stopped coming");

pub const MALFORMED: Failure = Failure::new("Malformed", 400, &[AMBIGUOUS]);
pub const BAD_REQUEST: Failure = Failure::new("BadRequest", 400, &[NOT_JSON, NOT_A_REQUEST]);
pub const BAD_RESPONSE_REQUEST: Failure = Failure::new(
    "BadResponseRequest",
    400,
    &[NOT_JSON, NOT_A_REQUEST, ("previous_response_not_found", "`previous_response_id` names no answer of this key's, or none any more")],
);
pub const BAD_QUERY: Failure = Failure::new("BadQuery", 400, &[("invalid_request", "A parameter makes no sense; `param` names it")]);
pub const BAD_STORED: Failure = Failure::new(
    "BadStoredRequest",
    400,
    &[("invalid_request", "A parameter makes no sense, or what is asked for needs a response that is made in the background")],
);
pub const BAD_CONFIG: Failure = Failure::new(
    "BadConfig",
    400,
    &[
        ("invalid_config", "The file has mistakes, listed under `diagnostics`; the old configuration stays"),
        ("invalid_request", "`check` is neither `true` nor `false`"),
    ],
);
pub const BAD_PATH: Failure =
    Failure::new("BadPath", 400, &[("invalid_request", "The path leads out of the provider's `base_url`, or the body broke off")]);

pub const UNAUTHORIZED: Failure = Failure::new("Unauthorized", 401, &[NO_KEY]).with(&["www-authenticate"]);
pub const NO_ADMIN: Failure =
    Failure::new("NoAdministrator", 401, &[("invalid_api_key", "No key, or one that is not `admin.key`")]).with(&["www-authenticate"]);

pub const FORBIDDEN: Failure = Failure::new("Forbidden", 403, &[OTHER_MACHINE]);
pub const NOT_ALLOWED: Failure =
    Failure::new("NotAllowed", 403, &[("model_not_allowed", "The key may not ask for this name"), OTHER_MACHINE]);
pub const NO_PASSTHROUGH: Failure = Failure::new(
    "NoPassthrough",
    403,
    &[("model_not_allowed", "The key may not use paths that name no model (`passthrough`)"), OTHER_MACHINE],
);
pub const CLOSED: Failure = Failure::new(
    "Closed",
    403,
    &[("forbidden", "Administration is closed, for this machine only, or was asked by a web page or for another `Host`")],
);

pub const NO_SUCH_MODEL: Failure = Failure::new("NoSuchModel", 404, &[NO_MODEL]);
pub const NO_SUCH_FILE: Failure = Failure::new("NoSuchFile", 404, &[("not_found", "No file has this name")]);
pub const NO_RESPONSE: Failure = Failure::new("NoResponse", 404, &[("not_found", "No answer of this key's has this id, or none any more")]);
pub const NO_PROVIDER: Failure = Failure::new("NoProvider", 404, &[("not_found", "There is no such provider, or nothing says which")]);
pub const ELSEWHERE: Failure = Failure::new("Elsewhere", 404, &[OTHER_PORT]);
pub const NO_METRICS: Failure = Failure::new(
    "NoMetrics",
    404,
    &[("not_found", "Metrics are switched off (`telemetry.metrics`), or administration has a port of its own")],
);
pub const NO_PLAN: Failure = Failure::new("NoPlan", 404, &[NO_MODEL, OTHER_PORT]);

pub const NO_RECORD: Failure =
    Failure::new("NoRecord", 404, &[("not_found", "No request of this id is recorded, or administration has a port of its own")]);

pub const LATE: Failure = Failure::new("Late", 408, &[NO_MORE_BODY]);
pub const TIMED_OUT: Failure = Failure::new("TimedOut", 408, &[NO_MORE_BODY, ("upstream_error", "Every attempt ended in 408")]);
pub const CONFLICT: Failure = Failure::new("Conflict", 409, &[("upstream_error", "Every attempt ended in 409")]);
pub const TOO_LARGE: Failure = Failure::new("TooLarge", 413, &[("body_too_large", "The body is larger than `server.max_body`")]);
pub const URI_TOO_LONG: Failure = Failure::new("UriTooLong", 414, &[("uri_too_long", "Path and query are longer than 8 KiB")]);
pub const MEDIA_TYPE: Failure =
    Failure::new("UnsupportedMediaType", 415, &[("unsupported_media_type", "A content type or encoding that is not taken here")]);
pub const RATE_LIMITED: Failure = Failure::new("RateLimited", 429, &[("rate_limit_exceeded", "Every attempt ended in 429")]).with(RETRY);

pub const INTERNAL: Failure = Failure::new("InternalError", 500, &[("internal_error", "A bug in llmgw")]);
pub const LATER: Failure = Failure::new("NotSupported", 501, &[("not_supported", "A path of a later version")]);
pub const UPSTREAM_FAILED: Failure = Failure::new(
    "UpstreamFailed",
    502,
    &[
        ("upstream_error", "Every attempt failed; the message names each: provider, status, reason"),
        ("upstream_credentials_exhausted", "Every route refused its key"),
    ],
)
.with(FINAL);
pub const FULL: Failure =
    Failure::new("Full", 503, &[("no_upstream_available", "The gateway is at `server.max_in_flight` or `server.max_connections`")])
        .with(RETRY);
pub const CROWDED: Failure = Failure::new("Crowded", 503, &[("busy", "64 follow already")]).with(RETRY);
pub const UNAVAILABLE: Failure =
    Failure::new("Unavailable", 503, &[("no_upstream_available", "Everything rests, is saturated or disabled, or the gateway is full")])
        .with(RETRY);
pub const TIMEOUT: Failure = Failure::new("UpstreamTimeout", 504, &[("upstream_timeout", "The last attempt ran out of time")]).with(FINAL);

/// What a path that is open and always answered has.
pub const VITAL: [&Failure; 4] = [&MALFORMED, &FORBIDDEN, &URI_TOO_LONG, &INTERNAL];

/// What any other open path has.
pub const OPEN: [&Failure; 5] = [&MALFORMED, &FORBIDDEN, &URI_TOO_LONG, &INTERNAL, &FULL];

/// What becomes of a request that names a model, but for its 400.
pub const MODEL: [&Failure; 13] = [
    &UNAUTHORIZED,
    &NOT_ALLOWED,
    &NO_SUCH_MODEL,
    &TIMED_OUT,
    &CONFLICT,
    &TOO_LARGE,
    &URI_TOO_LONG,
    &MEDIA_TYPE,
    &RATE_LIMITED,
    &INTERNAL,
    &UPSTREAM_FAILED,
    &UNAVAILABLE,
    &TIMEOUT,
];

/// What becomes of a request that is passed through, but for its 400 and 404.
pub const PASSED: [&Failure; 8] =
    [&UNAUTHORIZED, &NO_PASSTHROUGH, &URI_TOO_LONG, &MEDIA_TYPE, &INTERNAL, &UPSTREAM_FAILED, &UNAVAILABLE, &TIMEOUT];

/// What an administrator's request has, but for its 400 and 404.
pub const ADMIN: [&Failure; 4] = [&NO_ADMIN, &CLOSED, &URI_TOO_LONG, &INTERNAL];
