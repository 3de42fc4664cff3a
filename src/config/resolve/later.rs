//! Keys that are understood but that nothing makes work yet: any other value than the default is refused, never
//! silently accepted.

use std::fmt::Debug;

use super::Resolver;
use crate::config::file::{File, TelemetryFile};
use crate::config::read::{Place, Setting};

impl Resolver<'_, '_> {
    pub(super) fn later(&mut self, file: &File) {
        if let Some(telemetry) = file.telemetry.value() {
            self.later_telemetry(telemetry);
        }
    }

    fn later_telemetry(&mut self, telemetry: &TelemetryFile) {
        if let Some(otlp) = telemetry.otlp.value() {
            self.set_later(&otlp.endpoint);
            self.other_later(&otlp.protocol, &"grpc".to_owned());
            self.other_later(&otlp.contents, &false);
        }
    }

    /// Refuses any value: the default is none.
    fn set_later<T>(&mut self, setting: &Setting<T>) {
        if let Some((_, place)) = setting.placed() {
            self.not_yet(place);
        }
    }

    /// Refuses any other value than `default`.
    fn other_later<T: PartialEq + Debug>(&mut self, setting: &Setting<T>, default: &T) {
        if let Some((value, place)) = setting.placed()
            && value != default
        {
            self.not_yet(place);
        }
    }

    fn not_yet(&mut self, place: &Place) {
        self.mistakes.error_with(place, "not supported yet", "leave it out: only the default works so far");
    }
}
