//! How much the model shall think, in OpenAI's words and in those of others.
use crate::dialects::DialectError;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::hub::{Effort, Reasoning};

/// `reasoning_effort`, OpenRouter's `reasoning`, `thinking` as Anthropic, DeepSeek, Zhipu and Ark have it, and DashScope's
/// `enable_thinking` and `thinking_budget`. What is said first counts.
pub(super) fn read(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Option<Reasoning>, DialectError> {
    let mut all = Reasoning::default();
    let mut is_asked = false;
    if let Some(word) = members.take("reasoning_effort") {
        all.effort = Some(effort(&word)?);
        is_asked = true;
    }
    for read in [openrouters, anthropics, dashscopes] {
        if let Some(reasoning) = read(members, left)? {
            is_asked = true;
            all.effort = all.effort.or(reasoning.effort);
            all.budget = all.budget.or(reasoning.budget);
            all.summary = all.summary.or(reasoning.summary);
        }
    }
    if all.effort == Some(Effort::None) {
        all.budget = None;
    }
    Ok(is_asked.then_some(all))
}

fn effort(word: &Value<'_>) -> Result<Effort, DialectError> {
    Effort::of_word(&word.text()?).ok_or_else(|| word.invalid("`none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`"))
}

fn openrouters(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Option<Reasoning>, DialectError> {
    let Some(mut inside) = members.object("reasoning")? else { return Ok(None) };
    let is_off = inside.get::<bool>("enabled", "true or false")? == Some(false);
    let told = inside.take("effort").map(|word| effort(&word)).transpose()?;
    let budget = inside.get("max_tokens", "a number of tokens")?;
    let is_hidden = inside.get::<bool>("exclude", "true or false")? == Some(true);
    let summary = inside.text("summary")?.or_else(|| is_hidden.then(|| "omitted".to_owned()));
    left.rest(&inside);
    Ok(Some(Reasoning { effort: if is_off { Some(Effort::None) } else { told }, budget, summary }))
}

fn anthropics(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Option<Reasoning>, DialectError> {
    let Some(mut thinking) = members.object("thinking")? else { return Ok(None) };
    let kind = thinking.required("type")?;
    let effort = match kind.text()?.as_str() {
        "disabled" => Some(Effort::None),
        "enabled" | "auto" | "adaptive" => None,
        _ => return Err(kind.invalid("`enabled`, `disabled`, `auto` or `adaptive`")),
    };
    let budget = thinking.get("budget_tokens", "a number of tokens")?;
    left.rest(&thinking);
    Ok(Some(Reasoning { effort, budget, summary: None }))
}

fn dashscopes(members: &mut Members<'_>, _: &mut LeftOut) -> Result<Option<Reasoning>, DialectError> {
    let is_on = members.get::<bool>("enable_thinking", "true or false")?;
    let budget = members.get("thinking_budget", "a number of tokens")?;
    let effort = is_on.filter(|is_on| !is_on).map(|_| Effort::None);
    Ok((is_on.is_some() || budget.is_some()).then_some(Reasoning { effort, budget, summary: None }))
}
