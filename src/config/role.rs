//! `roles:` as resolved: who a model shall be for a question of the command line, and how it is asked.

use std::sync::Arc;

use serde_json::Value;

/// What stands for the user's words in a prompt.
const INPUT: &str = "input";

/// One of `roles`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: Arc<str>,
    /// The system prompt.
    pub system: Option<String>,
    /// What is asked; `{{input}}` stands for the user's words, which follow it where it does not.
    pub prompt: Option<String>,
    /// Who is asked; `None`: `routing.default_model`.
    pub model: Option<Arc<str>>,
    /// How freely words are chosen.
    pub temperature: Option<f64>,
    /// Longest answer, in tokens.
    pub max_tokens: Option<u64>,
    /// Further fields of the request.
    pub params: Vec<(String, Value)>,
}

impl Role {
    /// The prompt with the user's words in it. `None`: it wants words, and there are none.
    pub fn fill(&self, words: Option<&str>) -> Option<String> {
        let Some(prompt) = &self.prompt else { return words.map(str::to_owned) };
        let mut filled = String::new();
        let mut rest = prompt.as_str();
        let mut is_filled = false;
        while let Some(placeholder) = Placeholder::first(rest) {
            filled.push_str(&rest[..placeholder.start]);
            match placeholder.name {
                INPUT => {
                    filled.push_str(words?);
                    is_filled = true;
                }
                _ => filled.push_str(&rest[placeholder.start..placeholder.end]),
            }
            rest = &rest[placeholder.end..];
        }
        filled.push_str(rest);
        match words.filter(|words| !is_filled && !words.is_empty()) {
            Some(words) => Some(format!("{}\n\n{words}", filled.trim_end())),
            None => Some(filled),
        }
    }
}

/// `{{name}}` within a text.
pub(super) struct Placeholder<'a> {
    /// What stands between the braces.
    pub name: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Placeholder<'a> {
    /// All of `text`, in order.
    pub fn all(text: &'a str) -> impl Iterator<Item = Placeholder<'a>> {
        let mut rest = text;
        std::iter::from_fn(move || {
            let found = Placeholder::first(rest)?;
            rest = &rest[found.end..];
            Some(found)
        })
    }

    /// Whether something is put in its place.
    pub fn is_known(&self) -> bool {
        self.name == INPUT
    }

    /// What was meant, if it is a word that is nearly known.
    pub fn meant(&self) -> Option<&'static str> {
        super::diagnostic::nearest(self.name, [INPUT])
    }

    fn first(text: &'a str) -> Option<Placeholder<'a>> {
        let mut from = 0;
        loop {
            let start = from + text[from..].find("{{")?;
            let inner = start + 2;
            let length = text[inner..].find("}}")?;
            let name = text[inner..inner + length].trim();
            if !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
                return Some(Placeholder { name, start, end: inner + length + 2 });
            }
            from = start + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Placeholder, Role};

    fn filled(prompt: &str, words: Option<&str>) -> Option<String> {
        Role { prompt: Some(prompt.to_owned()), ..Role::default() }.fill(words)
    }

    #[test]
    fn words_go_where_the_prompt_says() {
        assert_eq!(filled("译成英文：{{input}}。", Some("你好")).as_deref(), Some("译成英文：你好。"));
        assert_eq!(filled("{{ input }}/{{input}}", Some("a")).as_deref(), Some("a/a"));
        assert_eq!(filled("讲个笑话", None).as_deref(), Some("讲个笑话"));
        assert_eq!(filled("讲个笑话", Some("")).as_deref(), Some("讲个笑话"));
        assert_eq!(filled("翻译。\n", Some("你好")).as_deref(), Some("翻译。\n\n你好"));
        assert_eq!(filled("{{input}}?", None), None);
        assert_eq!(Role::default().fill(Some("你好")).as_deref(), Some("你好"));
        assert_eq!(Role::default().fill(None), None);
    }

    #[test]
    fn what_is_put_in_is_not_looked_into() {
        assert_eq!(filled("a {{input}} b {{ other }}", Some("{{input}}")).as_deref(), Some("a {{input}} b {{ other }}"));
        assert_eq!(filled("{ {{{input}}} {{", Some("x")).as_deref(), Some("{ {x} {{"));
    }

    #[test]
    fn a_slip_of_the_pen_is_noticed() {
        let names: Vec<(&str, bool, Option<&str>)> =
            Placeholder::all("{{inptu}} {{input}} {{a b}} {{x}}").map(|one| (one.name, one.is_known(), one.meant())).collect();
        assert_eq!(names, [("inptu", false, Some("input")), ("input", true, Some("input")), ("x", false, None)]);
    }
}
