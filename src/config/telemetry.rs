//! `telemetry:` as resolved.

use super::Otlp;

/// `telemetry:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// `GET /metrics` is served, and requests are counted for it.
    pub metrics: bool,
    /// Callers' names are a label.
    pub callers: bool,
    /// Where traces go; `None`: there are none.
    pub otlp: Option<Otlp>,
}
