//! Tools, and which of them shall be called.
//!
//! Only OpenAI has custom tools. For others they become functions whose only member is `input`, a text; calls in the
//! history are wrapped alike, and those that come back are a function's.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::Target;
use crate::dialects::hints::Dropped;
use crate::hub::{Raw, Request, Tool, ToolChoice, ToolInput};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WireTool<'a> {
    Function { function: Function<'a> },
    Custom { custom: Custom<'a> },
}

#[derive(Serialize)]
pub(super) struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Custom<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a Raw>,
}

/// A function's schema.
enum Parameters<'a> {
    Given(&'a Raw),
    /// Of a custom tool.
    Input,
}

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Parameters::Given(schema) => schema.serialize(serializer),
            Parameters::Input => {
                let mut schema = serializer.serialize_map(Some(3))?;
                schema.serialize_entry("type", "object")?;
                schema.serialize_entry("properties", &json!({ "input": { "type": "string" } }))?;
                schema.serialize_entry("required", &["input"])?;
                schema.end()
            }
        }
    }
}

pub(super) enum WireChoice<'a> {
    Word(&'static str),
    Function(&'a str),
    Custom(&'a str),
}

impl Serialize for WireChoice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, name) = match self {
            WireChoice::Word(word) => return word.serialize(serializer),
            WireChoice::Function(name) => ("function", name),
            WireChoice::Custom(name) => ("custom", name),
        };
        let mut choice = serializer.serialize_map(Some(2))?;
        choice.serialize_entry("type", kind)?;
        choice.serialize_entry(kind, &json!({ "name": name }))?;
        choice.end()
    }
}

pub(super) fn write<'a>(request: &'a Request, target: Target<'_>, dropped: &mut Dropped) -> Vec<WireTool<'a>> {
    request.tools.iter().map(|tool| write_tool(tool, target, dropped)).collect()
}

fn write_tool<'a>(tool: &'a Tool, target: Target<'_>, dropped: &mut Dropped) -> WireTool<'a> {
    dropped.add_if(tool.cache.is_some(), "cache_control");
    let (name, description) = (tool.name.as_str(), tool.description.as_deref());
    let (parameters, strict) = match &tool.input {
        ToolInput::Custom { format } if target.is_own => {
            return WireTool::Custom { custom: Custom { name, description, format: format.as_ref() } };
        }
        ToolInput::Custom { format } => {
            dropped.add_if(format.is_some(), "format");
            (Some(Parameters::Input), None)
        }
        // Where it is not wanted it is not said: not every server knows the word.
        ToolInput::Function { schema, strict } => (schema.as_ref().map(Parameters::Given), strict.filter(|strict| *strict)),
    };
    WireTool::Function { function: Function { name, description, parameters, strict } }
}

pub(super) fn write_choice<'a>(request: &'a Request, target: Target<'_>) -> Option<WireChoice<'a>> {
    Some(match request.tool_choice.as_ref()? {
        ToolChoice::Auto => WireChoice::Word("auto"),
        ToolChoice::None => WireChoice::Word("none"),
        ToolChoice::Required => WireChoice::Word("required"),
        ToolChoice::Named(name) => {
            let is_custom = |tool: &Tool| tool.name == *name && matches!(tool.input, ToolInput::Custom { .. });
            if target.is_own && request.tools.iter().any(is_custom) { WireChoice::Custom(name) } else { WireChoice::Function(name) }
        }
    })
}
