//! `toolConfig`: what the model may call, and what it shall.

use serde::Serialize;

use super::blocks::{Block, CachePoint};
use super::model::Family;
use super::names::{self, LONGEST};
use super::turns::Turn;
use crate::dialects::DialectError;
use crate::dialects::hints::Dropped;
use crate::hub::{Raw, Request, Tool, ToolChoice, ToolInput};

/// What the model may call, and what it shall.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfig<'a> {
    tools: Vec<Offer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Offer<'a> {
    ToolSpec(Spec<'a>),
    CachePoint(CachePoint<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Schema<'a> {
    json: Json<'a>,
}

/// A schema as the client wrote it, or one that lets everything in.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Json<'a> {
    Written(&'a Raw),
    Anything {
        #[serde(rename = "type")]
        kind: &'static str,
    },
}

/// `auto` is what counts without it, and not every model takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Choice<'a> {
    Any {},
    Tool { name: &'a str },
}

/// The tools of `request`, whose conversation is `turns`. There is no word for "none": without calls in the conversation the
/// tools are left out; with calls, Converse demands them. A conversation with calls that offers no tools gets those that it
/// names, and nothing is said of their input.
pub fn config<'a>(
    request: &'a Request,
    turns: &'a [Turn<'_>],
    family: Family,
    dropped: &mut Dropped,
) -> Result<Option<ToolConfig<'a>>, DialectError> {
    let has_calls = turns.iter().flat_map(|turn| &turn.content).any(Block::is_of_tools);
    if request.tools.is_empty() && matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
        return Err(DialectError::Senseless { path: "tool_choice".to_owned(), reason: "no tools are offered".to_owned() });
    }
    if request.tool_choice == Some(ToolChoice::None) && !request.tools.is_empty() {
        if has_calls {
            return Err(DialectError::Unsupported { feature: "no tools (`tool_choice`) in a conversation with tool calls".into() });
        }
        return Ok(None);
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        tools.push(Offer::ToolSpec(spec(tool)?));
        tools.extend(CachePoint::of(tool.cache.as_ref(), family, dropped).map(Offer::CachePoint));
    }
    if request.tools.is_empty() && has_calls {
        tools.extend(named(turns).into_iter().map(Offer::ToolSpec));
    }
    let tool_choice = match &request.tool_choice {
        None | Some(ToolChoice::Auto | ToolChoice::None) => None,
        Some(ToolChoice::Required) => Some(Choice::Any {}),
        Some(ToolChoice::Named(name)) => Some(Choice::Tool { name }),
    };
    dropped.add_if(request.parallel_tool_calls == Some(false), "parallel_tool_calls");
    Ok((!tools.is_empty()).then_some(ToolConfig { tools, tool_choice }))
}

fn spec(tool: &Tool) -> Result<Spec<'_>, DialectError> {
    let ToolInput::Function { schema, strict } = &tool.input else {
        return Err(DialectError::Unsupported { feature: format!("a custom tool (`{}`)", tool.name).into() });
    };
    // The model would answer with another name, and the client would not know it.
    if !names::fits(&tool.name, "_-") {
        let feature =
            format!("a tool's name that has more than {LONGEST} characters, or others than letters, digits, `_`, `-` (`{}`)", tool.name);
        return Err(DialectError::Unsupported { feature: feature.into() });
    }
    let json = schema.as_ref().map_or(Json::Anything { kind: "object" }, Json::Written);
    Ok(Spec {
        name: &tool.name,
        description: tool.description.as_deref().filter(|text| !text.is_empty()),
        input_schema: Schema { json },
        strict: strict.filter(|strict| *strict),
    })
}

/// The tools that a conversation names, each once.
fn named<'a>(turns: &'a [Turn<'_>]) -> Vec<Spec<'a>> {
    let mut specs: Vec<Spec<'_>> = Vec::new();
    for name in turns.iter().flat_map(|turn| &turn.content).filter_map(Block::tool) {
        if specs.iter().all(|spec| spec.name != name) {
            let input_schema = Schema { json: Json::Anything { kind: "object" } };
            specs.push(Spec { name, description: None, input_schema, strict: None });
        }
    }
    specs
}
