//! Lists of models, as upstreams of every kind send them. Pure.

use std::sync::Arc;

use serde_json::Value;

/// What a model must be able to do for one of our endpoints to ask it; Google's lists say what each can.
const OF_USE: [&str; 2] = ["generateContent", "embedContent"];

/// The ids in a list: OpenAI's and Anthropic's `{data: [{id}]}`, Gemini's and Ollama's `{models: [{name}]}`; some vendors
/// send the bare list, or texts. `None`: it is no list of models.
pub fn read(body: &[u8]) -> Option<Vec<Arc<str>>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let list = value.get("data").or_else(|| value.get("models")).unwrap_or(&value).as_array()?;
    Some(list.iter().filter(|model| is_of_use(model)).filter_map(id).map(Arc::from).collect())
}

fn id(model: &Value) -> Option<&str> {
    // Where there are both, the name is for people.
    let named = || Some(model["name"].as_str()?).map(|name| name.strip_prefix("models/").unwrap_or(name));
    model["id"].as_str().or_else(named).or_else(|| model.as_str()).filter(|id| !id.is_empty())
}

fn is_of_use(model: &Value) -> bool {
    let Some(methods) = model["supportedGenerationMethods"].as_array() else { return true };
    methods.iter().filter_map(Value::as_str).any(|method| OF_USE.contains(&method))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn every_vendors_list_is_read() {
        for (body, ids) in [
            (r#"{"object":"list","data":[{"id":"gpt-4o","object":"model"},{"id":"o3"}]}"#, "gpt-4o o3"),
            (r#"{"data":[{"type":"model","id":"claude-x","display_name":"Claude X"}],"has_more":false,"last_id":"claude-x"}"#, "claude-x"),
            (r#"{"data":[{"id":"a/b","name":"A: B"}]}"#, "a/b"),
            (r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b","size":1}]}"#, "qwen3:8b"),
            (
                r#"{"models":[
                    {"name":"models/gemini-3","supportedGenerationMethods":["generateContent","countTokens"]},
                    {"name":"models/embedding-2","supportedGenerationMethods":["embedContent"]},
                    {"name":"models/imagen-5","supportedGenerationMethods":["predict"]}
                ],"nextPageToken":"x"}"#,
                "gemini-3 embedding-2",
            ),
            (r#"[{"id":"x"},"y"]"#, "x y"),
            (r#"{"data":[{"id":""},{},7]}"#, ""),
            (r#"{"data":[]}"#, ""),
        ] {
            assert_eq!(read(body.as_bytes()).unwrap().join(" "), ids, "{body}");
        }
    }

    #[test]
    fn what_is_no_list_is_none() {
        for body in ["", "{}", "null", "\"a\"", r#"{"data":{"id":"a"}}"#, r#"{"error":{"message":"no"}}"#] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
