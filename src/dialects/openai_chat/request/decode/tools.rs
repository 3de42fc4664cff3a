//! What the model may call, and what it shall.

use super::{object, read_cache};
use crate::dialects::DialectError;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::hub::{Tool, ToolChoice, ToolInput};

/// `tools`, or the older `functions`. Tools that a vendor runs itself are no other's.
pub(super) fn read(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Vec<Tool>, DialectError> {
    let mut tools = Vec::new();
    for tool in members.list("tools")? {
        let mut outside = tool.object()?;
        let kind = outside.text("type")?.unwrap_or_else(|| "function".to_owned());
        if !matches!(kind.as_str(), "function" | "custom") {
            return Err(DialectError::Unsupported { feature: format!("a tool of the type `{kind}` (`{}`)", tool.path).into() });
        }
        let inside = outside.required(&kind)?.object()?;
        let cache = read_cache(&mut outside, left)?;
        left.rest(&outside);
        let tool = if kind == "custom" { custom(inside, left)? } else { function(inside, left)? };
        tools.push(Tool { cache: cache.or(tool.cache), ..tool });
    }
    for tool in members.list("functions")? {
        tools.push(function(tool.object()?, left)?);
    }
    Ok(tools)
}

fn function(mut members: Members<'_>, left: &mut LeftOut) -> Result<Tool, DialectError> {
    let (name, description) = (members.required_text("name")?, members.text("description")?);
    let schema = members.take("parameters").map(|schema| object(&schema)).transpose()?;
    let input = ToolInput::Function { schema, strict: members.get("strict", "true or false")? };
    let cache = read_cache(&mut members, left)?;
    left.rest(&members);
    Ok(Tool { name, description, input, cache })
}

fn custom(mut members: Members<'_>, left: &mut LeftOut) -> Result<Tool, DialectError> {
    let (name, description) = (members.required_text("name")?, members.text("description")?);
    let input = ToolInput::Custom { format: members.raw("format") };
    left.rest(&members);
    Ok(Tool { name, description, input, cache: None })
}

/// `tool_choice`, or the older `function_call`.
pub(super) fn read_choice(members: &mut Members<'_>, tools: &[Tool]) -> Result<Option<ToolChoice>, DialectError> {
    if let Some(choice) = members.take("tool_choice") {
        return if choice.is_object() { named(&choice, tools).map(Some) } else { word(&choice).map(Some) };
    }
    match members.take("function_call") {
        None => Ok(None),
        Some(choice) if choice.is_object() => Ok(Some(ToolChoice::Named(choice.object()?.required_text("name")?))),
        Some(choice) => word(&choice).map(Some),
    }
}

fn word(choice: &Value<'_>) -> Result<ToolChoice, DialectError> {
    const EXPECTED: &str = "`none`, `auto`, `required` or an object";
    if !choice.is_text() {
        return Err(choice.invalid(EXPECTED));
    }
    match choice.text()?.as_str() {
        "none" => Ok(ToolChoice::None),
        "auto" => Ok(ToolChoice::Auto),
        // Mistral's word.
        "required" | "any" => Ok(ToolChoice::Required),
        _ => Err(choice.invalid(EXPECTED)),
    }
}

fn named(choice: &Value<'_>, tools: &[Tool]) -> Result<ToolChoice, DialectError> {
    let mut members = choice.object()?;
    let kind = members.required("type")?;
    match kind.text()?.as_str() {
        word @ ("function" | "custom") => Ok(ToolChoice::Named(members.required(word)?.object()?.required_text("name")?)),
        "allowed_tools" => allowed(members.required("allowed_tools")?.object()?, tools),
        _ => Err(kind.invalid("`function`, `custom` or `allowed_tools`")),
    }
}

/// Some of the tools. Where they are all of them, they are no choice.
fn allowed(mut members: Members<'_>, tools: &[Tool]) -> Result<ToolChoice, DialectError> {
    let mode = members.required("mode")?;
    let mut names = Vec::new();
    for tool in members.list("tools")? {
        let mut tool = tool.object()?;
        let kind = tool.required_text("type")?;
        names.push(tool.required(&kind)?.object()?.required_text("name")?);
    }
    if !tools.iter().all(|tool| names.contains(&tool.name)) {
        return Err(DialectError::Unsupported { feature: "a choice of only some of the tools (`tool_choice.allowed_tools`)".into() });
    }
    match mode.text()?.as_str() {
        "auto" => Ok(ToolChoice::Auto),
        "required" => Ok(ToolChoice::Required),
        _ => Err(mode.invalid("`auto` or `required`")),
    }
}
