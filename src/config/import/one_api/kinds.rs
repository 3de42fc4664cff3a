//! The numbers that stand for vendors in the column `type`. The two gateways went ways of their own after 25.

/// How a channel of one kind is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As this preset says; an address of its own gets this path appended.
    Preset(&'static str, &'static str),
    /// As OpenAI, at the channel's own address, with `/v1` appended.
    Compatible,
    /// As OpenAI, at the channel's own address as it stands.
    Verbatim,
    /// A type of ours.
    Type(&'static str),
}

/// Kinds that both number alike.
const COMMON: [(u64, Way); 13] = [
    (1, Way::Preset("openai", "/v1")),
    (3, Way::Type("azure")),
    (6, Way::Compatible),
    (7, Way::Compatible),
    (8, Way::Verbatim),
    (14, Way::Preset("anthropic", "")),
    (16, Way::Preset("zhipu", "/api/paas/v4")),
    (17, Way::Preset("dashscope", "/compatible-mode/v1")),
    (20, Way::Preset("openrouter", "/v1")),
    (23, Way::Preset("hunyuan", "/v1")),
    (24, Way::Preset("gemini", "")),
    (25, Way::Preset("moonshot", "/v1")),
    (31, Way::Preset("yi", "/v1")),
];

const ONE_API: [(u64, Way); 20] = [
    (26, Way::Preset("baichuan", "/v1")),
    (27, Way::Preset("minimax", "/v1")),
    (28, Way::Preset("mistral", "/v1")),
    (29, Way::Preset("groq", "/v1")),
    (30, Way::Type("ollama")),
    (32, Way::Preset("stepfun", "/v1")),
    (33, Way::Type("bedrock")),
    (35, Way::Preset("cohere", "/compatibility/v1")),
    (36, Way::Preset("deepseek", "/v1")),
    (39, Way::Preset("together", "/v1")),
    (40, Way::Preset("volcengine", "/api/v3")),
    (41, Way::Preset("novita", "/v3/openai")),
    (42, Way::Type("vertex")),
    (44, Way::Preset("siliconflow", "/v1")),
    (45, Way::Preset("xai", "/v1")),
    (47, Way::Preset("qianfan", "/v2")),
    (48, Way::Preset("spark", "/v1")),
    (49, Way::Preset("dashscope", "/compatible-mode/v1")),
    (50, Way::Verbatim),
    (51, Way::Verbatim),
];

const NEW_API: [(u64, Way); 14] = [
    (4, Way::Type("ollama")),
    (26, Way::Preset("zhipu", "/api/paas/v4")),
    (27, Way::Preset("perplexity", "")),
    (33, Way::Type("bedrock")),
    (34, Way::Preset("cohere", "/compatibility/v1")),
    (35, Way::Preset("minimax", "/v1")),
    (40, Way::Preset("siliconflow", "/v1")),
    (41, Way::Type("vertex")),
    (42, Way::Preset("mistral", "/v1")),
    (43, Way::Preset("deepseek", "/v1")),
    (45, Way::Preset("volcengine", "/api/v3")),
    (46, Way::Preset("qianfan", "/v2")),
    (47, Way::Compatible),
    (48, Way::Preset("xai", "/v1")),
];

/// Resellers that speak as OpenAI, with their own addresses.
const RESELLERS: [(u64, &str); 8] = [
    (2, "https://oa.api2d.net"),
    (4, "https://api.closeai-proxy.xyz"),
    (5, "https://api.openai-sb.com"),
    (9, "https://api.caipacity.com"),
    (10, "https://api.aiproxy.io"),
    (12, "https://api.api2gpt.com"),
    (13, "https://api.aigc2d.com"),
    (19, "https://api.360.cn"),
];

/// How a channel of this number is spoken to; `None`: llmgw cannot.
pub(super) fn way(number: u64, is_new: bool) -> Option<Way> {
    let own: &[(u64, Way)] = if is_new { &NEW_API } else { &ONE_API };
    let known = own.iter().chain(&COMMON).find(|(known, _)| *known == number).map(|(_, way)| *way);
    known.or_else(|| reseller(number).filter(|_| !(is_new && matches!(number, 2 | 5))).map(|_| Way::Compatible))
}

/// Where a reseller is, when the channel does not say.
pub(super) fn reseller(number: u64) -> Option<&'static str> {
    let others = [(6, "https://api.openaimax.com"), (7, "https://api.ohmygpt.com")];
    RESELLERS.iter().chain(&others).find(|(known, _)| *known == number).map(|(_, address)| *address)
}

#[cfg(test)]
mod tests {
    use super::{COMMON, NEW_API, ONE_API, Way, way};
    use crate::config::presets;

    #[test]
    fn every_preset_exists_and_the_two_differ_where_they_do() {
        for (number, way) in COMMON.iter().chain(&ONE_API).chain(&NEW_API) {
            if let Way::Preset(name, _) = way {
                assert!(presets::find(name).is_some_and(|preset| preset.name == *name), "{number}: {name}");
            }
        }
        assert_eq!(way(43, true), Some(Way::Preset("deepseek", "/v1")));
        assert_eq!((way(36, false), way(36, true)), (Some(Way::Preset("deepseek", "/v1")), None));
        assert_eq!((way(2, false), way(2, true)), (Some(Way::Compatible), None));
        assert_eq!(way(9999, true), None);
    }
}
