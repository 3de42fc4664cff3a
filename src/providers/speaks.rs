//! Which dialects an upstream speaks for a call, most native first: tables of rules, by kind, host and preset, and within
//! one upstream by model and by what the call uses.

use std::sync::LazyLock;

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::config::{self, AzureApi, ProviderKind, presets};
use crate::hub::{Kind, Quirks};

/// A chat, as far as the choice of a dialect needs to know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The upstream's name of the model.
    pub model: &'a str,
    /// It brings functions that the model may call.
    pub has_tools: bool,
    /// It asks for reasoning: an effort other than none.
    pub reasons: bool,
}

/// What one upstream speaks, and how well.
#[derive(Debug)]
pub struct Speech {
    table: Table,
    quirks: Quirks,
}

#[derive(Clone, Copy, Debug)]
enum Table {
    /// The same for every call.
    Always(&'static [Kind]),
    /// The first rule that fits.
    ByModel(&'static Rules),
}

/// One row: calls for one of `models` that use this are for `dialects`.
struct Row {
    models: &'static [&'static str],
    uses: Uses,
    dialects: &'static [Kind],
}

#[derive(Clone, Copy, Debug)]
enum Uses {
    Anything,
    Tools,
    ToolsAndReasoning,
}

/// Rows, ready to be looked up.
#[derive(Debug)]
struct Rules(Vec<(GlobSet, Uses, &'static [Kind])>);

/// What an unknown server with OpenAI's API speaks.
const COMPATIBLE: &[Kind] = &[Kind::OpenAiChat, Kind::OpenAiText];

/// As documented for `/v1` of Ollama.
const OLLAMA: &[Kind] = &[Kind::OpenAiChat, Kind::OpenAiResponses, Kind::Anthropic, Kind::OpenAiText];

const RESPONSES: &[Kind] = &[Kind::OpenAiResponses];

/// Models that are served at `/responses` only.
const NO_CHAT: &[&str] = &["*-pro", "*-pro-20*", "*-codex", "*-codex-*", "codex-*", "*deep-research*", "computer-use*"];

/// Models that reason unless they are told not to, and refuse functions at `/chat/completions` while they do.
const REASONS_BY_DEFAULT: &[&str] = &["gpt-5.[5-9]*", "gpt-[6-9]*"];

/// OpenAI's own host, and Azure's v1 API: there, where a deployment is named after its model.
static OPENAI: LazyLock<Rules> = LazyLock::new(|| {
    rules(&[
        Row { models: NO_CHAT, uses: Uses::Anything, dialects: RESPONSES },
        Row { models: REASONS_BY_DEFAULT, uses: Uses::Tools, dialects: RESPONSES },
        Row { models: &["gpt-5.4*"], uses: Uses::ToolsAndReasoning, dialects: RESPONSES },
        Row { models: &["*"], uses: Uses::Anything, dialects: &[Kind::OpenAiChat, Kind::OpenAiResponses, Kind::OpenAiText] },
    ])
});

/// Azure's classic API: not every version of it has `/responses`, so it is asked only for what chats cannot do.
static AZURE_DATED: LazyLock<Rules> = LazyLock::new(|| {
    rules(&[
        Row { models: NO_CHAT, uses: Uses::Anything, dialects: RESPONSES },
        Row { models: REASONS_BY_DEFAULT, uses: Uses::Tools, dialects: RESPONSES },
        Row { models: &["gpt-5.4*"], uses: Uses::ToolsAndReasoning, dialects: RESPONSES },
        Row { models: &["*"], uses: Uses::Anything, dialects: COMPATIBLE },
    ])
});

/// Vertex AI serves each vendor's models in the vendor's own dialect.
static VERTEX: LazyLock<Rules> = LazyLock::new(|| {
    rules(&[
        Row { models: &["claude*"], uses: Uses::Anything, dialects: &[Kind::Anthropic] },
        Row { models: &["*"], uses: Uses::Anything, dialects: &[Kind::Gemini] },
    ])
});

impl Speech {
    /// That of `config`'s upstream.
    pub fn of(config: &config::Provider) -> Speech {
        let always = |dialects, quirks| Speech { table: Table::Always(dialects), quirks };
        match &config.kind {
            ProviderKind::OpenAi if is_openai(config) => Speech { table: Table::ByModel(&OPENAI), quirks: Quirks::openai() },
            ProviderKind::OpenAi => {
                let preset = presets::of(config);
                let spoken = preset.map(|preset| preset.speaks.as_slice()).filter(|kinds| !kinds.is_empty());
                always(spoken.unwrap_or(COMPATIBLE), preset.map(|preset| preset.quirks.clone()).unwrap_or_default())
            }
            ProviderKind::Azure(AzureApi::V1) => Speech { table: Table::ByModel(&OPENAI), quirks: Quirks::openai() },
            ProviderKind::Azure(AzureApi::Dated(_)) => Speech { table: Table::ByModel(&AZURE_DATED), quirks: Quirks::openai() },
            ProviderKind::Vertex(_) => Speech { table: Table::ByModel(&VERTEX), quirks: Quirks::default() },
            ProviderKind::Anthropic => always(&[Kind::Anthropic], Quirks::default()),
            ProviderKind::Gemini => always(&[Kind::Gemini], Quirks::default()),
            ProviderKind::Bedrock(_) => always(&[Kind::Bedrock], Quirks::default()),
            ProviderKind::Ollama => always(OLLAMA, Quirks::default()),
            ProviderKind::Request(_) | ProviderKind::Mock(_) => always(COMPATIBLE, Quirks::default()),
        }
    }

    /// The dialects for `call`; never empty.
    pub fn dialects(&self, call: &Asked<'_>) -> &'static [Kind] {
        let rules = match self.table {
            Table::Always(dialects) => return dialects,
            Table::ByModel(rules) => rules,
        };
        let fits = |(models, uses, _): &&(GlobSet, Uses, _)| uses.fit(call) && models.is_match(call.model);
        rules.0.iter().find(fits).map_or(COMPATIBLE, |(.., dialects)| dialects)
    }

    /// What of OpenAI's chat it takes otherwise.
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }
}

impl Uses {
    fn fit(self, call: &Asked<'_>) -> bool {
        match self {
            Uses::Anything => true,
            Uses::Tools => call.has_tools,
            Uses::ToolsAndReasoning => call.has_tools && call.reasons,
        }
    }
}

/// Whether it is OpenAI itself, in whatever region, or Azure's v1 API, which many know as one more compatible address.
fn is_openai(config: &config::Provider) -> bool {
    const REGIONS_AND_RESOURCES: [&str; 2] = [".api.openai.com", ".openai.azure.com"];
    let host = config.base_url.host_str().unwrap_or_default();
    host == "api.openai.com" || REGIONS_AND_RESOURCES.iter().any(|ending| host.ends_with(ending))
}

#[expect(clippy::expect_used, reason = "the patterns are constants and have a test")]
fn rules(rows: &[Row]) -> Rules {
    let set = |models: &[&str]| {
        let mut set = GlobSetBuilder::new();
        for model in models {
            set.add(Glob::new(model).expect("a pattern"));
        }
        set.build().expect("patterns")
    };
    Rules(rows.iter().map(|row| (set(row.models), row.uses, row.dialects)).collect())
}

#[cfg(test)]
mod tests {
    use super::{Asked, Speech};
    use crate::config::{self, AzureApi, Provider, ProviderKind};
    use crate::transport::testing::provider;

    fn words(config: &Provider, asked: &Asked<'_>) -> String {
        Speech::of(config).dialects(asked).iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" ")
    }

    fn of_kind(kind: ProviderKind) -> Provider {
        Provider { kind, ..provider("https://upstream.example") }
    }

    #[test]
    fn openais_models_are_spoken_to_as_each_call_needs() {
        let config = provider("https://api.openai.com/v1");
        let all = "openai_chat openai_responses openai_text";
        let only = "openai_responses";
        for (model, plain, tools, both) in [
            ("gpt-4o", all, all, all),
            ("gpt-5", all, all, all),
            ("gpt-5.3", all, all, all),
            ("gpt-5.4", all, all, only),
            ("gpt-5.4-mini-2026-01-01", all, all, only),
            ("gpt-5.5", all, only, only),
            ("gpt-6.1-terra", all, only, only),
            ("gpt-6-astra", all, only, only),
            ("o3-pro", only, only, only),
            ("o3-pro-2025-06-10", only, only, only),
            ("gpt-5.1-codex-max", only, only, only),
            ("codex-mini-latest", only, only, only),
            ("o4-mini-deep-research", only, only, only),
            ("computer-use-preview", only, only, only),
            ("gpt-image-process", all, all, all),
        ] {
            for (has_tools, reasons, expected) in [(false, false, plain), (false, true, plain), (true, false, tools), (true, true, both)] {
                assert_eq!(words(&config, &Asked { model, has_tools, reasons }), expected, "{model} {has_tools} {reasons}");
            }
        }
        let asked = Asked { model: "gpt-6-sol", has_tools: true, reasons: true };
        for url in ["https://eu.api.openai.com/v1", "https://r.openai.azure.com/openai/v1"] {
            assert_eq!(words(&provider(url), &asked), only);
        }
        assert_eq!(words(&of_kind(ProviderKind::Azure(AzureApi::V1)), &asked), only);
        assert_eq!(words(&of_kind(ProviderKind::Azure(AzureApi::Dated("2024-10-21".to_owned()))), &asked), only);
        // Somebody else's server may serve it otherwise.
        assert_eq!(words(&provider("https://openai.com.example/v1"), &asked), "openai_chat openai_text");
    }

    #[test]
    fn every_kind_speaks_something() {
        let vertex = config::Vertex { project: "p".to_owned(), location: "global".to_owned() };
        let bedrock = config::Bedrock { region: "us-east-1".to_owned(), keys: None };
        for (kind, expected) in [
            (ProviderKind::OpenAi, "openai_chat openai_text"),
            (ProviderKind::Anthropic, "anthropic"),
            (ProviderKind::Gemini, "gemini"),
            (ProviderKind::Azure(AzureApi::V1), "openai_chat openai_responses openai_text"),
            (ProviderKind::Azure(AzureApi::Dated("2024-10-21".to_owned())), "openai_chat openai_text"),
            (ProviderKind::Bedrock(bedrock), "bedrock"),
            (ProviderKind::Vertex(vertex.clone()), "gemini"),
            (ProviderKind::Ollama, "openai_chat openai_responses anthropic openai_text"),
            (ProviderKind::Mock(config::Mock::default()), "openai_chat openai_text"),
        ] {
            assert_eq!(words(&of_kind(kind), &Asked { model: "m", ..Asked::default() }), expected);
        }
        assert_eq!(words(&of_kind(ProviderKind::Vertex(vertex)), &Asked { model: "claude-x@2026", ..Asked::default() }), "anthropic");
    }

    #[test]
    fn a_preset_counts_by_its_name_and_by_its_address() {
        let by_address = |url: &str| provider(url);
        let by_name = |name: &str| Provider { preset: Some(name.to_owned()), ..provider("http://127.0.0.1:1/v1") };
        let asked = Asked { model: "m", ..Asked::default() };
        for config in [by_name("openrouter"), by_address("https://openrouter.ai/api/v1")] {
            assert_eq!(words(&config, &asked), "openai_chat openai_responses anthropic openai_text");
        }
        for config in [by_name("moonshot"), by_address("https://api.moonshot.cn/v1")] {
            assert_eq!(words(&config, &asked), "openai_chat");
            assert!(Speech::of(&config).quirks().echo_reasoning);
        }
        assert!(Speech::of(&by_address("https://api.openai.com/v1")).quirks().developer);
        assert!(Speech::of(&of_kind(ProviderKind::Azure(AzureApi::V1))).quirks().max_completion_tokens);
        // A port of this machine tells nothing.
        assert_eq!(words(&by_address("http://localhost:8000/v1"), &asked), "openai_chat openai_text");
    }
}
