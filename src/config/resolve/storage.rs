//! `storage:`.

use super::Resolver;
use crate::config::file::{ResponsesFile, StorageFile};
use crate::config::{KeptResponses, Storage, defaults};

/// A database that is smaller holds nothing.
const SMALLEST: u64 = 1_000_000;

impl Resolver<'_, '_> {
    pub(super) fn storage(&mut self, file: StorageFile) -> Storage {
        let path = file.path.into_value().map(|path| path.0);
        let default = Storage::default();
        let max = match file.max.placed() {
            Some((size, place)) if size.0 < SMALLEST => {
                self.mistakes.error_with(place, "must be at least 1MB", "the tables alone take that much");
                default.max
            }
            Some((size, _)) => size.0,
            None => default.max,
        };
        Storage {
            keep: self.positive(&file.keep, default.keep),
            max,
            path: path.or_else(|| Some(self.env.data_dir()?.join(defaults::DATABASE))),
            responses: file.responses.into_value().map(|kept| self.kept_responses(&kept)),
        }
    }

    fn kept_responses(&mut self, file: &ResponsesFile) -> KeptResponses {
        let default = KeptResponses::default();
        let max = match file.max.placed() {
            Some((size, place)) if size.0 == 0 => {
                self.mistakes.error_with(place, "must be more than 0", "to keep none, leave `responses` out");
                default.max
            }
            Some((size, _)) => size.0,
            None => default.max,
        };
        KeptResponses { keep: self.positive(&file.keep, default.keep), max }
    }
}
