//! What the model itself takes.

use serde::Serialize;

use super::super::super::model::Taken;
use super::Target;
use crate::dialects::DialectError;
use crate::dialects::hints::Dropped;
use crate::hub::{Effort, Reasoning, Request, ToolInput};

/// More stop sequences than this are refused by OpenAI.
const MOST_STOPS: usize = 4;

/// What was asked for, as far as it is taken.
pub(super) struct Fitted<'a> {
    pub(super) effort: Option<Effort>,
    pub(super) sampling: WireSampling,
    pub(super) stop: &'a [String],
}

#[derive(Default, Serialize)]
pub(super) struct WireSampling {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
}

pub(super) fn fit<'a>(request: &'a Request, target: Target<'_>, dropped: &mut Dropped) -> Result<Fitted<'a>, DialectError> {
    let effort = effort(request, target, dropped)?;
    let is_thinking = effort.map_or(!target.model.rests, |effort| effort != Effort::None);
    let takes_sampling = match target.model.sampling {
        Taken::Always => true,
        Taken::AtRest => !is_thinking,
        Taken::Never => false,
    };
    if request.logprobs.is_some() && !takes_sampling {
        return Err(DialectError::Unsupported { feature: "log probabilities of a model that reasons (`logprobs`)".into() });
    }
    let asked = &request.sampling;
    // One is what it is anyway.
    let is_told = |value: &f64| *value != 1.0;
    let takes_penalties = !target.model.reasons;
    let sampling = WireSampling {
        temperature: dropped.keep_if(takes_sampling, asked.temperature.filter(|it| takes_sampling || is_told(it)), "temperature"),
        top_p: dropped.keep_if(takes_sampling, asked.top_p.filter(|it| takes_sampling || is_told(it)), "top_p"),
        frequency_penalty: dropped.keep_if(takes_penalties, asked.frequency_penalty, "frequency_penalty"),
        presence_penalty: dropped.keep_if(takes_penalties, asked.presence_penalty, "presence_penalty"),
        seed: asked.seed,
        logprobs: request.logprobs.map(|_| true),
        top_logprobs: request.logprobs.filter(|number| *number > 0),
    };
    dropped.add_if(asked.top_k.is_some(), "top_k");
    Ok(Fitted { effort, sampling, stop: stop(request, target, dropped) })
}

fn effort(request: &Request, target: Target<'_>, dropped: &mut Dropped) -> Result<Option<Effort>, DialectError> {
    let reasoning = request.reasoning.as_ref();
    dropped.add_if(reasoning.is_some_and(|reasoning| reasoning.summary.is_some()), "reasoning.summary");
    let asked = reasoning.and_then(Reasoning::effort);
    if !target.quirks.reasoning_effort {
        return Ok(dropped.keep_if(false, asked, "reasoning_effort"));
    }
    let model = target.model;
    let mut fitted = asked.and_then(|asked| model.fitted(asked));
    let is_thinking = fitted.map_or(!model.rests, |effort| effort != Effort::None);
    let has_functions = request.tools.iter().any(|tool| matches!(tool.input, ToolInput::Function { .. }));
    if has_functions && model.tools_need_rest && is_thinking {
        if !model.can_rest() {
            return Err(DialectError::Unsupported {
                feature: "function tools of a model that takes them only in Responses (`tools`)".into(),
            });
        }
        fitted = Some(Effort::None);
    }
    let rests_anyway = asked == Some(Effort::None) && fitted.is_none() && model.rests;
    dropped.add_if(asked.is_some() && asked != fitted && !rests_anyway, "reasoning_effort");
    Ok(fitted)
}

fn stop<'a>(request: &'a Request, target: Target<'_>, dropped: &mut Dropped) -> &'a [String] {
    let most = if target.model.reasons {
        0
    } else if target.is_own {
        MOST_STOPS
    } else {
        request.stop.len()
    };
    dropped.add_if(request.stop.len() > most, "stop");
    request.stop.get(..most).unwrap_or(&request.stop)
}
