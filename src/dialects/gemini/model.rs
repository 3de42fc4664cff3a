//! What generations of models take. Data.
//!
//! A model's name tells its generation, whatever stands before it: `models/gemini-…`, `publishers/google/models/gemini-…`.

/// What a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// How it is told how much to think.
    pub thinking: Control,
    /// It refuses a call in the history that nobody signed.
    pub wants_signatures: bool,
    /// Results of tools may hold images and documents.
    pub takes_media_in_results: bool,
}

/// How a model is told how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Not at all.
    Never,
    /// In tokens.
    Budget {
        /// The fewest, thinking at all.
        least: u64,
        /// The most.
        most: u64,
        /// It can be turned off.
        can_be_off: bool,
    },
    /// In words. It cannot be turned off.
    Level {
        /// `MINIMAL` is known.
        has_minimal: bool,
        /// `XHIGH` is known.
        has_xhigh: bool,
    },
}

/// What is safe to say to any model.
const ANY: Model = Model { thinking: Control::Never, wants_signatures: false, takes_media_in_results: false };
const FLASH_LITE_2_5: Model = Model { thinking: Control::Budget { least: 512, most: 24_576, can_be_off: true }, ..ANY };
const FLASH_2_5: Model = Model { thinking: Control::Budget { least: 1, most: 24_576, can_be_off: true }, ..ANY };
const PRO_2_5: Model = Model { thinking: Control::Budget { least: 128, most: 32_768, can_be_off: false }, ..ANY };
// [?] That media in results came with the third generation.
const PRO_3: Model =
    Model { thinking: Control::Level { has_minimal: false, has_xhigh: false }, wants_signatures: true, takes_media_in_results: true };
const FLASH_3: Model = Model { thinking: Control::Level { has_minimal: true, has_xhigh: false }, ..PRO_3 };
// [?] `XHIGH` is of the newest models; which those are is not among our facts.
const PRO_4: Model = Model { thinking: Control::Level { has_minimal: false, has_xhigh: true }, ..PRO_3 };
const FLASH_4: Model = Model { thinking: Control::Level { has_minimal: true, has_xhigh: true }, ..PRO_3 };

/// The first whose two words both stand in a model's name counts. Names without a generation (`gemini-flash-latest`) and
/// generations to come are taken to be like the third.
const MODELS: [(&str, &str, Model); 12] = [
    // [?] It is said not to think.
    ("gemini-2.5-flash-image", "", ANY),
    ("gemini-2.5-flash-lite", "", FLASH_LITE_2_5),
    ("gemini-2.5-flash", "", FLASH_2_5),
    ("gemini-2.5-pro", "", PRO_2_5),
    ("gemini-1", "", ANY),
    ("gemini-2", "", ANY),
    ("gemini-3", "flash", FLASH_3),
    ("gemini-3", "", PRO_3),
    ("gemini-4", "flash", FLASH_4),
    ("gemini-4", "", PRO_4),
    ("gemini-", "flash", FLASH_3),
    ("gemini-", "", PRO_3),
];

impl Model {
    /// Of this name.
    pub fn of(name: &str) -> Model {
        let found = MODELS.iter().find(|(family, size, _)| name.contains(family) && name.contains(size));
        found.map_or(ANY, |(.., model)| *model)
    }
}

#[cfg(test)]
mod tests {
    use super::{ANY, FLASH_2_5, FLASH_3, FLASH_4, FLASH_LITE_2_5, Model, PRO_2_5, PRO_3, PRO_4};

    #[test]
    fn a_name_tells_its_generation_whatever_stands_before_it() {
        for (name, model) in [
            ("gemini-2.5-flash", FLASH_2_5),
            ("models/gemini-2.5-flash-lite-preview-09-2025", FLASH_LITE_2_5),
            ("publishers/google/models/gemini-2.5-pro", PRO_2_5),
            ("gemini-2.5-flash-image", ANY),
            ("gemini-2.0-flash", ANY),
            ("gemini-1.5-pro-002", ANY),
            ("gemini-3-flash-preview", FLASH_3),
            ("gemini-3.5-flash-lite", FLASH_3),
            ("google/gemini-3.1-pro-preview", PRO_3),
            ("gemini-4-argon", PRO_4),
            ("gemini-4-flash", FLASH_4),
            ("gemini-flash-latest", FLASH_3),
            ("gemini-pro-latest", PRO_3),
            ("gemma-3-27b-it", ANY),
            ("projects/p/locations/l/endpoints/123", ANY),
        ] {
            assert_eq!(Model::of(name), model, "{name}");
        }
    }
}
