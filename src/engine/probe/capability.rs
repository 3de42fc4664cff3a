//! What a model can do beyond answering in words: how each capability is asked for, and what proves it.
//!
//! A proof cannot come by chance: no model guesses the number in a picture, or answers in JSON without being made to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::config::Capability;
use crate::dialects::openai_chat::response;
use crate::hub::Endpoint;
use crate::hub::text::beginning;

/// A picture of [`NUMBER`], large enough for every vendor.
const PICTURE: &[u8] = include_bytes!("number.png");

/// What stands in the picture.
const NUMBER: &str = "7391";

/// The tool that is to be called.
const TOOL: &str = "report";

/// Bytes of a wrong answer that its error quotes.
const QUOTED: usize = 120;

/// Members that an answer to the schema has, each of them text.
const MEMBERS: [&str; 2] = ["city", "province"];

/// What asks for `capability`, but for the model; `message` is said where it does not matter what is.
pub fn question(capability: Capability, message: &str) -> (Endpoint, Value) {
    let body = match capability {
        Capability::Embeddings => return (Endpoint::Embeddings, json!({ "input": message })),
        Capability::Stream => json!({ "messages": [said(message.into())], "stream": true }),
        Capability::Tools => {
            let parameters = json!({ "type": "object", "properties": { "number": { "type": "integer" } }, "required": ["number"] });
            let tool = json!({ "name": TOOL, "description": "Takes down a number", "parameters": parameters });
            let text = format!("Call the tool `{TOOL}` with the number {NUMBER}. Say nothing else.");
            json!({ "messages": [said(text.into())], "tools": [{ "type": "function", "function": tool }] })
        }
        Capability::JsonSchema => {
            let properties: Value = MEMBERS.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
            let schema = json!({ "type": "object", "properties": properties, "required": MEMBERS, "additionalProperties": false });
            let format = json!({ "type": "json_schema", "json_schema": { "name": "place", "strict": true, "schema": schema } });
            json!({ "messages": [said("Where is Hangzhou?".into())], "response_format": format })
        }
        Capability::Vision => {
            let picture = format!("data:image/png;base64,{}", STANDARD.encode(PICTURE));
            let question = json!({ "type": "text", "text": "Which number does this picture show? Answer with its digits." });
            json!({ "messages": [said(json!([question, { "type": "image_url", "image_url": { "url": picture } }]))] })
        }
    };
    (Endpoint::ChatCompletions, body)
}

/// What in `answer`, a chat completion, proves `capability`; or what is wrong with it.
pub fn proof(capability: Capability, answer: &Value) -> Result<String, String> {
    let text = response::text(answer);
    match capability {
        Capability::Tools => called(&answer["choices"][0]["message"]["tool_calls"][0]["function"]),
        Capability::JsonSchema => fitting(text).ok_or_else(|| "the answer does not keep to the schema".to_owned()),
        Capability::Vision => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let is_seen = digits.contains(NUMBER);
            if is_seen { Ok(text.to_owned()) } else { Err(wrong("the answer does not name the number in the picture", text)) }
        }
        Capability::Stream | Capability::Embeddings => Ok(text.to_owned()),
    }
}

fn said(content: Value) -> Value {
    json!({ "role": "user", "content": content })
}

fn called(function: &Value) -> Result<String, String> {
    if function["name"] != TOOL {
        return Err("the answer does not call the tool".to_owned());
    }
    let arguments = function["arguments"].as_str().unwrap_or_default();
    let has_number = serde_json::from_str::<Value>(arguments).is_ok_and(|arguments| arguments["number"].is_number());
    if has_number { Ok(format!("{TOOL}({arguments})")) } else { Err(wrong("the arguments do not keep to the tool's schema", arguments)) }
}

/// What is wrong, and enough of `text` to see it.
fn wrong(what: &str, text: &str) -> String {
    format!("{what}: {}", beginning(text, QUOTED))
}

/// `text`, if it is an object with exactly the members of the schema.
fn fitting(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let members = value.as_object()?;
    let fits = members.len() == MEMBERS.len() && MEMBERS.iter().all(|name| members.get(*name).is_some_and(Value::is_string));
    fits.then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Capability, proof};

    fn of_text(text: &str) -> Value {
        json!({ "choices": [{ "message": { "content": text } }] })
    }

    fn of_call(name: &str, arguments: &str) -> Value {
        json!({ "choices": [{ "message": { "content": null, "tool_calls": [{ "function": { "name": name, "arguments": arguments } }] } }] })
    }

    #[test]
    fn only_who_sees_knows_the_number() {
        for seen in ["7391", "图中的数字是 7391。", "7,391"] {
            assert!(proof(Capability::Vision, &of_text(seen)).is_ok(), "{seen}");
        }
        for blind in ["", "我看不到图片", "7319", "739"] {
            assert!(proof(Capability::Vision, &of_text(blind)).is_err(), "{blind}");
        }
    }

    #[test]
    fn prose_about_a_schema_is_no_answer_to_it() {
        assert!(proof(Capability::JsonSchema, &of_text(r#"{"city": "杭州", "province": "浙江"}"#)).is_ok());
        for wrong in
            ["杭州在浙江。", r#"{"city": "杭州"}"#, r#"{"city": "杭州", "province": 1}"#, r#"{"city": "", "province": "", "a": ""}"#]
        {
            assert!(proof(Capability::JsonSchema, &of_text(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_call_names_the_tool_and_keeps_to_its_schema() {
        assert_eq!(proof(Capability::Tools, &of_call("report", r#"{"number":7391}"#)).as_deref(), Ok(r#"report({"number":7391})"#));
        for (name, arguments) in
            [("other", r#"{"number":1}"#), ("report", r#"{"number":"#), ("report", r#"{"number":"七"}"#), ("report", "")]
        {
            assert!(proof(Capability::Tools, &of_call(name, arguments)).is_err(), "{name} {arguments}");
        }
        assert!(proof(Capability::Tools, &of_text("I call report(7391)")).is_err());
    }
}
