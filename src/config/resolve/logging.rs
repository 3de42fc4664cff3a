//! `logging:`.

use std::path::PathBuf;

use super::Resolver;
use crate::config::file::{LoggingFile, RequestsFile, RotateFile};
use crate::config::leaves::PathText;
use crate::config::read::Setting;
use crate::config::{Logging, Requests, Rotate};

impl Resolver<'_, '_> {
    pub(super) fn logging(&mut self, file: LoggingFile) -> Logging {
        let default = Logging::default();
        Logging {
            level: file.level.into_value().unwrap_or(default.level),
            format: file.format.into_value().unwrap_or(default.format),
            file: self.log_file(&file.file),
            rotate: self.rotate(&file.rotate.into_value().unwrap_or_default()),
            redact: file.redact.into_value().unwrap_or(default.redact),
            requests: self.requests(&file.requests.into_value().unwrap_or_default()),
        }
    }

    fn requests(&mut self, file: &RequestsFile) -> Requests {
        let requests = Requests {
            dir: self.directory(&file.dir),
            errors_dir: self.directory(&file.errors_dir),
            bodies: file.bodies.value().copied().unwrap_or(false),
        };
        if let Some((true, place)) = file.bodies.placed()
            && requests.dir.is_none()
            && requests.errors_dir.is_none()
        {
            self.mistakes.warn(place, "there are no files that bodies could stand in", "set `dir` or `errors_dir` beside it");
        }
        requests
    }

    fn directory(&mut self, setting: &Setting<PathText>) -> Option<PathBuf> {
        let (PathText(path), place) = setting.placed()?;
        if path.exists() && !path.is_dir() {
            self.mistakes.error_with(place, "a file, not a directory", "a file of its own is written into it for each request");
        }
        Some(path.clone())
    }

    /// Whether it can be written is only known by writing, which loading does not.
    fn log_file(&mut self, setting: &Setting<PathText>) -> Option<PathBuf> {
        let (PathText(path), place) = setting.placed()?;
        if path.is_dir() {
            self.mistakes.error_with(place, "a directory, not a file", "name the file in it, such as `llmgw.log`");
        }
        Some(path.clone())
    }

    fn rotate(&mut self, file: &RotateFile) -> Rotate {
        let default = Rotate::default();
        let max_size = match file.max_size.placed() {
            Some((size, place)) if size.0 == 0 => {
                self.mistakes.error(place, "must be more than 0");
                default.max_size
            }
            Some((size, _)) => size.0,
            None => default.max_size,
        };
        Rotate {
            every: file.every.value().copied().unwrap_or(default.every),
            max_size,
            keep: file.keep.value().copied().unwrap_or(default.keep),
        }
    }
}
