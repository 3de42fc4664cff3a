//! `telemetry:`.

use super::Resolver;
use crate::config::Telemetry;
use crate::config::file::TelemetryFile;

impl Resolver<'_, '_> {
    pub(super) fn telemetry(file: TelemetryFile) -> Telemetry {
        let default = Telemetry::default();
        Telemetry {
            metrics: file.metrics.into_value().unwrap_or(default.metrics),
            callers: file.callers.into_value().unwrap_or(default.callers),
        }
    }
}
