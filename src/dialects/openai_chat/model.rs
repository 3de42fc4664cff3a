//! What each of OpenAI's models takes in a chat. Data; requests of other dialects are fitted to it.
//!
//! Models of other vendors take what they take: nothing is known of them here.

use crate::hub::Effort;

/// What a model takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Model {
    /// Its name begins so; the first row that fits counts.
    begins: &'static str,
    /// It may reason, and then refuses `stop` and penalties.
    pub(super) reasons: bool,
    /// When it takes `temperature`, `top_p` and log probabilities.
    pub(super) sampling: Taken,
    /// How much it can be told to think, in order; `None`: whatever it is told.
    pub(super) efforts: Option<&'static [Effort]>,
    /// It does not think unless it is told to.
    pub(super) rests: bool,
    /// Function tools are refused while it thinks.
    pub(super) tools_need_rest: bool,
    /// It knows `verbosity`.
    pub(super) verbosity: bool,
    /// It knows where a cache may end.
    pub(super) cache_marks: bool,
}

/// When something is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Always,
    /// While it does not think.
    AtRest,
    Never,
}

/// Without a table of its own: a name that an operator gave, or a model to come.
const UNKNOWN: Model = Model {
    begins: "",
    reasons: false,
    sampling: Taken::Always,
    efforts: None,
    rests: false,
    tools_need_rest: false,
    verbosity: true,
    cache_marks: false,
};

/// Does not reason.
const PLAIN: Model = Model { efforts: Some(&[]), rests: true, verbosity: false, ..UNKNOWN };

/// The o series.
const O: Model =
    Model { reasons: true, sampling: Taken::Never, efforts: Some(&[Effort::Low, Effort::Medium, Effort::High]), rests: false, ..PLAIN };

const GPT_5: Model = Model { efforts: Some(&[Effort::Minimal, Effort::Low, Effort::Medium, Effort::High]), verbosity: true, ..O };

const GPT_5_1: Model =
    Model { sampling: Taken::AtRest, efforts: Some(&[Effort::None, Effort::Low, Effort::Medium, Effort::High]), rests: true, ..GPT_5 };

/// `max` is for Responses; chat may refuse it [?].
const GPT_5_2: Model = Model { efforts: Some(&[Effort::None, Effort::Low, Effort::Medium, Effort::High, Effort::XHigh]), ..GPT_5_1 };

const GPT_5_4: Model = Model { tools_need_rest: true, ..GPT_5_2 };

const GPT_5_5: Model = Model { rests: false, ..GPT_5_4 };

const GPT_5_6: Model = Model { cache_marks: true, ..GPT_5_5 };

/// Cannot be told not to think.
const RESTLESS: Model = Model { efforts: Some(&[Effort::Low, Effort::Medium, Effort::High, Effort::XHigh]), ..GPT_5_6 };

const MODELS: [Model; 18] = [
    Model { begins: "gpt-6.1-sol", ..RESTLESS },
    Model { begins: "gpt-6-astra", ..RESTLESS },
    Model { begins: "gpt-6", ..GPT_5_6 },
    Model { begins: "gpt-5.6", ..GPT_5_6 },
    Model { begins: "gpt-5.5", ..GPT_5_5 },
    Model { begins: "gpt-5.4", ..GPT_5_4 },
    Model { begins: "gpt-5.3", ..GPT_5_2 },
    Model { begins: "gpt-5.2", ..GPT_5_2 },
    Model { begins: "gpt-5.1", ..GPT_5_1 },
    // Answers without thinking [?].
    Model { begins: "gpt-5-chat", ..PLAIN },
    Model { begins: "gpt-5", ..GPT_5 },
    Model { begins: "o1", ..O },
    Model { begins: "o3", ..O },
    Model { begins: "o4", ..O },
    Model { begins: "gpt-4", ..PLAIN },
    Model { begins: "gpt-3.5", ..PLAIN },
    Model { begins: "chatgpt-", ..PLAIN },
    UNKNOWN,
];

impl Model {
    /// What the model `name` takes: also one that was tuned, or whose vendor stands before it.
    pub(super) fn of(name: &str) -> &'static Model {
        let name = name.strip_prefix("ft:").unwrap_or(name);
        let name = name.rsplit('/').next().unwrap_or(name);
        MODELS.iter().find(|model| name.starts_with(model.begins)).unwrap_or(&UNKNOWN)
    }

    /// The effort next to `asked` that it can be told; `None`: none at all.
    pub(super) fn fitted(&self, asked: Effort) -> Option<Effort> {
        let Some(efforts) = self.efforts else { return Some(asked) };
        efforts.iter().find(|effort| **effort >= asked).or(efforts.last()).copied()
    }

    /// Whether it can be told not to think.
    pub(super) fn can_rest(&self) -> bool {
        self.efforts.is_none_or(|efforts| efforts.contains(&Effort::None))
    }
}

#[cfg(test)]
mod tests {
    use super::Model;
    use crate::hub::Effort;

    #[test]
    fn an_effort_is_fitted_to_the_model() {
        for (model, asked, fitted) in [
            ("gpt-5-mini", Effort::None, Some(Effort::Minimal)),
            ("gpt-5", Effort::Max, Some(Effort::High)),
            ("gpt-5.2-2026-01-01", Effort::Minimal, Some(Effort::Low)),
            ("openai/gpt-5.4", Effort::Max, Some(Effort::XHigh)),
            ("gpt-6-astra", Effort::None, Some(Effort::Low)),
            ("ft:gpt-4o:某公司", Effort::High, None),
            ("我的部署", Effort::Max, Some(Effort::Max)),
        ] {
            assert_eq!(Model::of(model).fitted(asked), fitted, "{model}");
        }
    }

    #[test]
    fn a_row_stands_for_its_family() {
        assert!(Model::of("gpt-6.1-terra").can_rest() && !Model::of("gpt-6.1-sol").can_rest());
        assert!(Model::of("gpt-5.4-mini").tools_need_rest && !Model::of("gpt-5.2").tools_need_rest);
        assert!(!Model::of("gpt-5-chat-latest").reasons && Model::of("gpt-5-nano").reasons);
        assert!(Model::of("o4-mini").reasons && !Model::of("ollama").reasons);
    }
}
