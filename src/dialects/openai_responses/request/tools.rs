//! Tools, and which of them the model shall call.

use crate::dialects::DialectError;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::hub::{Raw, Tool, ToolChoice, ToolInput};
use serde::Serialize;

/// A tool as it stands in a request, and again in the response.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WireTool<'a> {
    /// Takes JSON.
    Function {
        /// Its name.
        name: &'a str,
        /// What it is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        /// The SDK's types want it, if only as null.
        parameters: Option<&'a Raw>,
        /// Whether the model must keep to it.
        strict: Option<bool>,
    },
    /// Takes text.
    Custom {
        /// Its name.
        name: &'a str,
        /// What it is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        /// Of which form.
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<&'a Raw>,
    },
}

/// Which tools the model shall call.
#[derive(Serialize)]
#[serde(untagged)]
pub enum WireChoice<'a> {
    /// `auto`, `none`, `required`
    Word(&'static str),
    /// One.
    Named {
        /// `function` or `custom`
        r#type: &'static str,
        /// Which.
        name: &'a str,
    },
}

/// A JSON Schema, carried and not read.
pub(super) fn as_schema(value: &Value<'_>) -> Result<Raw, DialectError> {
    if value.is_object() { Ok(value.raw.into()) } else { Err(value.invalid("a JSON Schema: an object")) }
}

/// Stands between a group's name and its tool's, where there are no groups.
const OF_GROUP: &str = "__";

/// Reads tools, those in namespaces too, and the namespaces' names.
pub(super) fn read_all(values: &[Value<'_>], left: &mut LeftOut) -> Result<(Vec<Tool>, Vec<String>), DialectError> {
    let (mut tools, mut groups, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        let mut members = value.object()?;
        if members.required_text("type")? != "namespace" {
            let tool = read(value, left)?;
            alone.push((tool.name.clone(), value.path()));
            tools.push(tool);
            continue;
        }
        let group = members.required_text("name")?;
        for tool in members.list("tools")? {
            let tool = read(&tool, left)?;
            tools.push(Tool { name: in_group(&group, &tool.name), ..tool });
        }
        groups.push(group);
        left.rest(&members);
    }
    // When it is called it could not be told from one of a group.
    match alone.into_iter().find(|(name, _)| of_group(&groups, name).is_some()) {
        Some((_, path)) => Err(unsupported("a tool that is named like those of a namespace", &path)),
        None => Ok((tools, groups)),
    }
}

/// What the tool `name` of `group` is called where there are no groups.
pub fn in_group(group: &str, name: &str) -> String {
    format!("{group}{OF_GROUP}{name}")
}

/// The group that `name` says, and the tool's name in it.
pub fn of_group<'a>(groups: &'a [String], name: &'a str) -> Option<(&'a str, &'a str)> {
    let split = |group: &'a String| Some((group.as_str(), name.strip_prefix(group.as_str())?.strip_prefix(OF_GROUP)?));
    groups.iter().filter_map(split).max_by_key(|(group, _)| group.len())
}

/// Reads a tool. What OpenAI runs itself is no other upstream's.
fn read(tool: &Value<'_>, left: &mut LeftOut) -> Result<Tool, DialectError> {
    let mut members = tool.object()?;
    let kind = members.required_text("type")?;
    let input = match kind.as_str() {
        "function" => {
            let schema = members.take("parameters").map(|schema| as_schema(&schema)).transpose()?;
            ToolInput::Function { schema, strict: members.get("strict", "true or false")? }
        }
        "custom" => ToolInput::Custom { format: members.raw("format") },
        hosted => return Err(unsupported(&format!("OpenAI's own tool `{hosted}`"), &tool.path())),
    };
    let (name, description) = (members.required_text("name")?, members.text("description")?);
    left.rest(&members);
    Ok(Tool { name, description, input, cache: None })
}

fn unsupported(what: &str, path: &str) -> DialectError {
    DialectError::Unsupported { feature: format!("{what} (`{path}`)").into() }
}

/// Reads a choice among `tools`.
pub(super) fn read_choice(choice: &Value<'_>, tools: &[Tool]) -> Result<ToolChoice, DialectError> {
    if choice.is_text() {
        return word(&choice.text()?).ok_or_else(|| choice.invalid("`auto`, `none`, `required` or an object"));
    }
    let mut members = choice.object().map_err(|_| choice.invalid("a string or an object"))?;
    match members.required_text("type")?.as_str() {
        "function" | "custom" => Ok(ToolChoice::Named(members.required_text("name")?)),
        "allowed_tools" => read_allowed(members, tools, &choice.path()),
        hosted => Err(unsupported(&format!("OpenAI's own tool `{hosted}`"), &choice.path())),
    }
}

fn word(word: &str) -> Option<ToolChoice> {
    match word {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "required" => Some(ToolChoice::Required),
        _ => None,
    }
}

/// All tools are what other upstreams choose from; some of them they cannot be told.
fn read_allowed(mut members: Members<'_>, tools: &[Tool], path: &str) -> Result<ToolChoice, DialectError> {
    let mode = members.required("mode")?;
    let choice = word(&mode.text()?).filter(|choice| *choice != ToolChoice::None);
    let choice = choice.ok_or_else(|| mode.invalid("`auto` or `required`"))?;
    let mut allowed = Vec::new();
    for tool in members.list("tools")? {
        allowed.extend(tool.object()?.text("name")?);
    }
    if tools.iter().all(|tool| allowed.contains(&tool.name)) {
        return Ok(choice);
    }
    Err(unsupported("a choice among some of the tools", path))
}

impl<'a> WireTool<'a> {
    /// As an upstream is told. Where the client did not say, OpenAI would try to be strict and make optional members
    /// required: of all dialects only this one's clients mean that, and they mostly reach it untranslated.
    pub(super) fn to_upstream(tool: &'a Tool) -> WireTool<'a> {
        let mut wire = WireTool::of(tool);
        if let WireTool::Function { strict, .. } = &mut wire {
            strict.get_or_insert(false);
        }
        wire
    }

    /// As the client said it.
    pub fn of(tool: &'a Tool) -> WireTool<'a> {
        let (name, description) = (tool.name.as_str(), tool.description.as_deref());
        match &tool.input {
            ToolInput::Function { schema, strict } => {
                WireTool::Function { name, description, parameters: schema.as_ref(), strict: *strict }
            }
            ToolInput::Custom { format } => WireTool::Custom { name, description, format: format.as_ref() },
        }
    }
}

impl<'a> WireChoice<'a> {
    /// A choice among `tools`.
    pub fn of(choice: &'a ToolChoice, tools: &[Tool]) -> WireChoice<'a> {
        match choice {
            ToolChoice::Auto => WireChoice::Word("auto"),
            ToolChoice::None => WireChoice::Word("none"),
            ToolChoice::Required => WireChoice::Word("required"),
            ToolChoice::Named(name) => {
                let r#type = if is_custom(tools, name) { "custom" } else { "function" };
                WireChoice::Named { r#type, name }
            }
        }
    }
}

/// Whether the tool `name` takes text.
pub fn is_custom(tools: &[Tool], name: &str) -> bool {
    tools.iter().any(|tool| tool.name == name && matches!(tool.input, ToolInput::Custom { .. }))
}
