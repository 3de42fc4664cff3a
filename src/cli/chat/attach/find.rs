//! Where the files are that a person names: paths, patterns that no shell has expanded, addresses, `-`.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};
use url::Url;

use crate::cli::failure::Failure;
use crate::config::proxy::without_secrets;

/// A pattern that matches more was not meant.
const MOST: usize = 500;

/// As in a shell: `*` takes no slash, and no dot at the beginning.
const AS_SHELLS_DO: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Where one file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `-`
    Stdin,
    /// On this machine.
    Path(PathBuf),
    /// At an address.
    Web(Url),
}

impl Place {
    /// Its address, without what may be secret in it; `None`: it is on this machine.
    pub fn address(&self) -> Option<String> {
        match self {
            Place::Web(url) => Some(without_secrets(url).to_string()),
            Place::Stdin | Place::Path(_) => None,
        }
    }
}

/// The places that `sources` name, in their order; those of one pattern by name.
pub fn places(sources: &[String]) -> Result<Vec<Place>, Failure> {
    let mut places = Vec::new();
    for source in sources {
        match source.as_str() {
            "-" if places.contains(&Place::Stdin) => {
                return Err(Failure::usage("standard input can be attached once").hint("give `-f -` once"));
            }
            "-" => places.push(Place::Stdin),
            source if is_address(source) => places.push(Place::Web(address(source)?)),
            // A file may really be called so.
            source if is_pattern(source) && !Path::new(source).exists() => places.extend(matching(source)?),
            source => places.push(Place::Path(source.into())),
        }
    }
    Ok(places)
}

fn is_address(source: &str) -> bool {
    let begins = |scheme: &str| source.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

fn address(source: &str) -> Result<Url, Failure> {
    let url = Url::parse(source).ok().filter(Url::has_host);
    url.ok_or_else(|| Failure::usage(format!("`{source}` is no address")).hint("write it as `https://example.com/file.txt`"))
}

fn is_pattern(source: &str) -> bool {
    source.contains(['*', '?', '['])
}

fn matching(pattern: &str) -> Result<Vec<Place>, Failure> {
    let found = glob_with(pattern, AS_SHELLS_DO)
        .map_err(|error| Failure::usage(format!("`{pattern}` is no pattern: {error}")).hint("`*`, `?` and `[a-z]` have a meaning"))?;
    let mut places = Vec::new();
    for path in found {
        let path = path.map_err(|error| Failure::usage(format!("cannot look for `{pattern}`: {error}")))?;
        if path.is_dir() {
            continue;
        }
        if places.len() == MOST {
            return Err(Failure::usage(format!("`{pattern}` matches more than {MOST} files")).hint("narrow it down"));
        }
        places.push(Place::Path(path));
    }
    if places.is_empty() {
        return Err(Failure::usage(format!("no file matches `{pattern}`")).hint("nothing was sent; `**/` reaches into directories"));
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{Place, places};

    fn found(sources: &[String]) -> Result<Vec<Place>, String> {
        places(sources).map_err(|failure| failure.message)
    }

    #[test]
    fn patterns_are_expanded_as_a_shell_does() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["b.txt", "a.txt", ".hidden.txt", "[笔记].md", "sub/c.txt"] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), name).unwrap();
        }
        let of = |pattern: &str| found(&[path(pattern).display().to_string()]);
        let paths = |names: &[&str]| Ok(names.iter().map(|name| Place::Path(path(name))).collect::<Vec<_>>());
        assert_eq!(of("*.txt"), paths(&["a.txt", "b.txt"]));
        assert_eq!(of("*"), paths(&["[笔记].md", "a.txt", "b.txt"]));
        assert_eq!(of("**/?.txt"), paths(&["a.txt", "b.txt", "sub/c.txt"]));
        assert_eq!(of("[笔记].md"), paths(&["[笔记].md"]), "a name, not a pattern");
        assert!(of("*.rs").unwrap_err().starts_with("no file matches"));
        assert!(of("[.txt").unwrap_err().contains("is no pattern"));
    }

    #[test]
    fn addresses_and_stdin_are_told_from_paths() {
        let of = |sources: &[&str]| found(&sources.iter().map(|source| (*source).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["-", "no such.txt"]), Ok(vec![Place::Stdin, Place::Path(PathBuf::from("no such.txt"))]));
        assert!(of(&["-", "-"]).is_err());
        let web = of(&["HTTPS://user:pass@a.example/f.txt?token=geheim"]).unwrap();
        assert_eq!(web[0].address().as_deref(), Some("https://user:****@a.example/f.txt?token=****"));
        assert!(of(&["https://"]).is_err());
    }
}
