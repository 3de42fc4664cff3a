//! The questions of a batch: lines of text, or JSON objects with a `prompt`.

use serde_json::Value;

use crate::cli::chat::input;
use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// Its place among the questions, from 0.
    pub index: usize,
    /// Its own id, if it has one.
    pub id: Option<Value>,
    /// What is asked.
    pub text: String,
}

/// The questions in the file `source`, or in what comes in by a pipe (`-`).
pub async fn read(source: &str, context: &Context) -> Result<Vec<Prompt>, Failure> {
    if source == "-" && context.printer.terminal().stdin {
        return Err(Failure::usage("`--each -` reads the questions from a pipe, and there is none")
            .hint("`llmgw chat --each questions.txt`, or `… | llmgw chat --each -`"));
    }
    let name = if source == "-" { "standard input".to_owned() } else { format!("`{source}`") };
    let bytes = match source {
        "-" => input::bytes(tokio::io::stdin(), &context.printer).await?,
        path => {
            let path = path.to_owned();
            let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await.map_err(std::io::Error::other).flatten();
            read.map_err(|error| Failure::usage(format!("cannot read {name}: {error}")).hint("check the path; `-` is standard input"))?
        }
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        Failure::usage(format!("{name} is not UTF-8 text (byte {position})")).hint("convert it first, for example with `iconv -t utf-8`")
    })?;
    parse(&text, &name)
}

/// Of JSON where the first line is an object; then all must be.
fn parse(text: &str, name: &str) -> Result<Vec<Prompt>, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let Some((_, first)) = lines().next() else {
        return Err(Failure::usage(format!("{name} holds no question")).hint("write one a line"));
    };
    if !is_object(first) {
        return Ok(lines().enumerate().map(|(index, (_, line))| Prompt { index, id: None, text: line.to_owned() }).collect());
    }
    let of_json = |(index, (number, line)): (usize, (usize, &str))| {
        object(index, line).ok_or_else(|| {
            Failure::usage(format!("line {} of {name} is no JSON object with a `prompt`", number + 1))
                .hint("the first line is an object, so all must be: `{\"prompt\": \"…\"}`; nothing was sent")
        })
    };
    lines().enumerate().map(of_json).collect()
}

fn is_object(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object())
}

fn object(index: usize, line: &str) -> Option<Prompt> {
    let mut object: Value = serde_json::from_str(line).ok()?;
    let text = object["prompt"].as_str().filter(|text| !text.trim().is_empty())?.to_owned();
    let id = object.as_object_mut()?.remove("id").filter(|id| !id.is_null());
    Some(Prompt { index, id, text })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Prompt, parse};

    #[test]
    fn a_line_of_text_is_a_question() {
        let prompts = parse("\u{feff}你是谁\r\n\n  [第二]\n{不是 JSON}\n", "x").unwrap();
        let texts: Vec<(usize, &str)> = prompts.iter().map(|prompt| (prompt.index, prompt.text.as_str())).collect();
        assert_eq!(texts, [(0, "你是谁"), (1, "  [第二]"), (2, "{不是 JSON}")]);
    }

    #[test]
    fn an_object_asks_by_its_prompt() {
        let prompts = parse("{\"prompt\": \"一\\n二\", \"id\": \"a-1\", \"x\": 1}\n{\"prompt\": \"三\", \"id\": null}\n", "x").unwrap();
        let expected =
            [Prompt { index: 0, id: Some(json!("a-1")), text: "一\n二".to_owned() }, Prompt { index: 1, id: None, text: "三".to_owned() }];
        assert_eq!(prompts, expected);
    }

    #[test]
    fn what_asks_nothing_is_named_by_its_line() {
        let message = |text: &str| parse(text, "`q.jsonl`").unwrap_err().message;
        assert_eq!(message("{\"prompt\": \"一\"}\n\n二\n"), "line 3 of `q.jsonl` is no JSON object with a `prompt`");
        assert_eq!(message("{\"question\": \"一\"}"), "line 1 of `q.jsonl` is no JSON object with a `prompt`");
        assert_eq!(message(" \n\n"), "`q.jsonl` holds no question");
    }
}
