//! Pictures of one request: the way it went, and when what happened.

pub(super) mod flow;
pub(super) mod waterfall;

/// `text`, cut to so many characters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
