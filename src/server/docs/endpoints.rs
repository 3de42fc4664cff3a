//! What can be asked, in short: the front page's list, read from the document.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::assets::DOCUMENT;

/// So many methods are any.
const ALL_METHODS: usize = 5;

#[derive(Default, Deserialize)]
struct Document {
    paths: BTreeMap<String, BTreeMap<String, Operation>>,
}

#[derive(Deserialize)]
struct Operation {
    responses: BTreeMap<String, IgnoredAny>,
}

/// Each path, as `METHOD /path`; `ANY` where it is any method. Those of a later version are left out.
pub(in crate::server) fn endpoints() -> &'static [String] {
    static ENDPOINTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        // A test reads the same bytes.
        let document: Document = serde_json::from_slice(DOCUMENT).unwrap_or_default();
        document.paths.iter().flat_map(|(path, operations)| methods(path, operations)).collect()
    });
    &ENDPOINTS
}

fn methods(path: &str, operations: &BTreeMap<String, Operation>) -> Vec<String> {
    let there: Vec<&String> =
        operations.iter().filter(|(_, operation)| !operation.responses.contains_key("501")).map(|(method, _)| method).collect();
    match there.len() {
        ALL_METHODS => vec![format!("ANY {path}")],
        _ => there.iter().map(|method| format!("{} {path}", method.to_ascii_uppercase())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::endpoints;

    #[test]
    fn the_front_page_lists_what_can_be_asked() {
        for endpoint in ["POST /v1/chat/completions", "DELETE /v1/responses/{id}", "ANY /v1/{path}", "GET /docs", "POST /reload"] {
            assert!(endpoints().iter().any(|other| other == endpoint), "{endpoint} is missing in {:?}", endpoints());
        }
        assert!(!endpoints().iter().any(|endpoint| endpoint.contains("realtime")));
    }
}
