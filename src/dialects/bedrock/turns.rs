//! The conversation of a request: turns alternate and the user begins; instructions stand apart.

use serde::Serialize;

use super::blocks::{Block, CachePoint, Writer};
use super::model::Family;
use crate::dialects::DialectError;
use crate::dialects::hints::Dropped;
use crate::hub::{Message, Request, Role};

/// One turn.
#[derive(Debug, Serialize)]
pub struct Turn<'a> {
    role: &'static str,
    /// Never empty.
    pub content: Vec<Block<'a>>,
}

/// The instructions, and the turns after them. Where nothing is said but instructions, they are the user's turn: a
/// conversation must have one.
pub fn conversation<'a>(
    request: &'a Request,
    family: Family,
    dropped: &mut Dropped,
) -> Result<(Vec<Block<'a>>, Vec<Turn<'a>>), DialectError> {
    let (instructions, messages) = request.instructions();
    let (instructions, messages) = if messages.is_empty() { (messages, instructions) } else { (instructions, messages) };
    let mut writer = Writer::new(family, dropped);
    let mut system = Vec::new();
    for (at, message) in instructions.iter().enumerate() {
        writer.message = at;
        write(message, &mut writer, &mut system)?;
    }
    if system.iter().any(|block| !matches!(block, Block::Text(_) | Block::CachePoint(_))) {
        return Err(DialectError::Unsupported { feature: "instructions that are not text".into() });
    }
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        writer.message = instructions.len() + at;
        // Instructions in the middle of a conversation: few models know them as such [?].
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        let mut content = Vec::with_capacity(message.parts.len());
        write(message, &mut writer, &mut content)?;
        match turns.last_mut().filter(|last| last.role == role) {
            Some(last) => last.content.append(&mut content),
            None if content.is_empty() => {}
            None => turns.push(Turn { role, content }),
        }
    }
    finish(&mut turns, request, family, dropped)?;
    Ok((system, turns))
}

fn write<'a>(message: &'a Message, writer: &mut Writer<'_>, blocks: &mut Vec<Block<'a>>) -> Result<(), DialectError> {
    writer.dropped.add_if(message.name.is_some(), "name");
    message.parts.iter().try_for_each(|part| writer.write(part, blocks))
}

fn finish<'a>(turns: &mut [Turn<'a>], request: &'a Request, family: Family, dropped: &mut Dropped) -> Result<(), DialectError> {
    for turn in turns.iter_mut().filter(|turn| turn.role == "user") {
        turn.content = results_first(std::mem::take(&mut turn.content));
    }
    let Some(first) = turns.first() else {
        return Err(DialectError::Senseless { path: "messages".to_owned(), reason: "nothing is said".to_owned() });
    };
    if first.role == "assistant" {
        return Err(DialectError::Unsupported { feature: "a conversation (`messages`) that the assistant begins".into() });
    }
    let last = turns.last_mut().map(|turn| &mut turn.content).filter(|content| !matches!(content.last(), Some(Block::CachePoint(_))));
    if let Some(content) = last {
        content.extend(CachePoint::of(request.cache.as_ref(), family, dropped).map(Block::CachePoint));
    }
    Ok(())
}

/// Results of tools come before everything else that the user says. A cache point belongs to what stands before it.
fn results_first(blocks: Vec<Block<'_>>) -> Vec<Block<'_>> {
    let mut is_of_result = false;
    let (mut results, others): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|block| {
        if !matches!(block, Block::CachePoint(_)) {
            is_of_result = matches!(block, Block::ToolResult(_));
        }
        is_of_result
    });
    results.extend(others);
    results
}

/// Whether results are to be answered whose calls came without the thoughts behind them: models that think by a budget
/// refuse that.
pub fn lacks_thoughts(turns: &[Turn<'_>]) -> bool {
    let [.., calls, results] = turns else { return false };
    let has_thoughts = calls.content.iter().any(|block| matches!(block, Block::ReasoningContent(_)));
    results.content.iter().any(Block::is_of_tools) && !has_thoughts
}
