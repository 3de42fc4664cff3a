//! `telemetry:` as resolved.

/// `telemetry:`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// `GET /metrics` is served, and requests are counted for it.
    pub metrics: bool,
    /// Callers' names are a label.
    pub callers: bool,
}
