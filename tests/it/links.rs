//! Links of the documents lead somewhere: to a file of this repository, and to a heading that it has.

use std::fs;
use std::path::{Path, PathBuf};

/// Where documents are; what is generated or belongs to others is elsewhere.
const PLACES: [&str; 4] = ["", "docs", "docs/guides", "packaging"];

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directories = PLACES.iter().map(|place| fs::read_dir(root.join(place)).expect(place));
    let paths = directories.flatten().map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// What a document says, without its fenced blocks.
fn prose(document: &Path) -> String {
    let text = fs::read_to_string(document).expect("a document");
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// Where the links of a document lead to, but for those to other sites.
fn targets(prose: &str) -> Vec<&str> {
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// How a heading is named in a link.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars().filter(|&c| c.is_alphanumeric() || "-_ ".contains(c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_heading(document: &Path, wanted: &str) -> bool {
    let prose = prose(document);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).any(|heading| heading == wanted)
}

/// What is wrong with a link from `document`, if anything is.
fn fault(document: &Path, target: &str) -> Option<String> {
    let (path, heading) = target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let file = if path.is_empty() { document.to_owned() } else { document.parent()?.join(path) };
    let leads = file.exists() && heading.is_none_or(|heading| has_heading(&file, heading));
    (!leads).then(|| format!("{}: {target}", document.display()))
}

#[test]
fn links_lead_somewhere() {
    let documents = documents();
    assert!(documents.len() > 30, "{documents:?}");
    let faults = documents.iter().flat_map(|document| {
        let prose = prose(document);
        targets(&prose).into_iter().filter_map(|target| fault(document, target)).collect::<Vec<_>>()
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn links_and_headings_are_seen() {
    assert_eq!(targets("[a](b.md#c) ![d](e.png \"f\") [g](https://h.example) `[i]` (j)"), ["b.md#c", "e.png"]);
    assert_eq!(anchor(" Rotation, without a `restart`"), "rotation-without-a-restart");
    assert_eq!(anchor(" 不重启就轮换"), "不重启就轮换");
}
