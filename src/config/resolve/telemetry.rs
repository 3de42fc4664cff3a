//! `telemetry:`.

use super::Resolver;
use crate::config::file::{OtlpFile, TelemetryFile};
use crate::config::read::Setting;
use crate::config::{Otlp, OtlpProtocol, Telemetry, otlp};

impl Resolver<'_, '_> {
    pub(super) fn telemetry(&mut self, file: TelemetryFile) -> Telemetry {
        let default = Telemetry::default();
        Telemetry {
            metrics: file.metrics.into_value().unwrap_or(default.metrics),
            callers: file.callers.into_value().unwrap_or(default.callers),
            otlp: self.otlp(file.otlp.into_value().unwrap_or_default()),
        }
    }

    /// An endpoint of `null` is none; where there is no word of it, the environment's counts.
    fn otlp(&mut self, file: OtlpFile) -> Option<Otlp> {
        let contents = file.contents.value().copied().unwrap_or_default();
        let named = file.protocol.value().copied();
        let found = match &file.endpoint {
            Setting::Set(endpoint, place) => {
                let endpoint = &endpoint.0;
                let protocol = named.or_else(|| otlp::protocol(self.env)).unwrap_or_else(|| otlp::guessed(endpoint));
                if protocol == OtlpProtocol::Grpc && endpoint.path() != "/" {
                    let hint = "leave the path out; or, if this is an address for HTTP, `protocol: http/protobuf`";
                    self.mistakes.error_with(place, "gRPC's addresses have no path", hint);
                }
                Some(Otlp::new(endpoint.clone(), protocol, self.env))
            }
            Setting::Absent => {
                if let Some(mistake) = otlp::mistake(self.env) {
                    let hint = "there will be no traces; `telemetry.otlp.endpoint` counts before it";
                    self.mistakes.warn(&file.endpoint.place().cloned().unwrap_or_default(), mistake, hint);
                }
                otlp::from_environment(self.env, named)
            }
            Setting::Null(_) | Setting::Wrong(_) => None,
        };
        found.map(|otlp| Otlp { contents, ..otlp })
    }
}
