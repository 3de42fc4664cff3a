//! Hints of a request that are lost on the way, by name: what a reader has no word for, what an upstream does not take.

use std::borrow::Cow;
use std::collections::HashSet;

use super::members::Members;

/// What an upstream is not told, each name once.
#[derive(Debug, Default)]
pub struct Dropped(Vec<Cow<'static, str>>);

/// What the hub has no word for: the first path of each kind (`messages[0].x` and `messages[1].x` are of one).
#[derive(Debug, Default)]
pub struct LeftOut {
    paths: Vec<String>,
    kinds: HashSet<String>,
}

impl Dropped {
    /// `name` is left out.
    pub fn add(&mut self, name: &'static str) {
        if self.0.iter().all(|known| known != name) {
            self.0.push(Cow::Borrowed(name));
        }
    }

    /// `name` is left out if `is_there`.
    pub fn add_if(&mut self, is_there: bool, name: &'static str) {
        if is_there {
            self.add(name);
        }
    }

    /// `value` if `is_kept`; if not, and there is one, `name` is left out.
    pub fn keep_if<T>(&mut self, is_kept: bool, value: Option<T>, name: &'static str) -> Option<T> {
        self.add_if(!is_kept && value.is_some(), name);
        value.filter(|_| is_kept)
    }

    /// The names, in the order in which they were left out.
    pub fn into_names(self) -> Vec<Cow<'static, str>> {
        self.0
    }
}

impl LeftOut {
    /// One path.
    pub fn add(&mut self, path: String) {
        if self.kinds.insert(path.replace(|each: char| each.is_ascii_digit(), "")) {
            self.paths.push(path);
        }
    }

    /// All that nobody took out of `members`.
    pub fn rest(&mut self, members: &Members<'_>) {
        members.left().for_each(|path| self.add(path));
    }

    /// The paths, in the order in which they were found.
    pub fn into_paths(self) -> Vec<String> {
        self.paths
    }
}

#[cfg(test)]
mod tests {
    use super::{Dropped, LeftOut};

    #[test]
    fn each_name_and_each_kind_of_path_stands_there_once() {
        let mut dropped = Dropped::default();
        dropped.add_if(false, "seed");
        assert_eq!((dropped.keep_if(true, Some(1), "top_k"), dropped.keep_if(false, Some(2), "user")), (Some(1), None));
        dropped.add("user");
        assert_eq!(dropped.into_names(), ["user"]);
        let mut left = LeftOut::default();
        for path in ["messages[0].备注", "messages[12].备注", "x"] {
            left.add(path.to_owned());
        }
        assert_eq!(left.into_paths(), ["messages[0].备注", "x"]);
    }
}
