//! What README, QUICKSTART and the guides tell people to type works, as written; what they show is what it prints.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::cli::process::{Home, Running, free_port};

/// Those that are not guides.
const DOCUMENTS: [&str; 6] =
    ["README.md", "README.zh.md", "QUICKSTART.md", "QUICKSTART.zh.md", "packaging/README.md", "packaging/README.zh.md"];

/// Where the guides are: whatever stands there is one.
const GUIDES: &str = "docs/guides";

/// Stands for the commands that build: `cargo run -- …` is the built binary, `make …` is left out. There are no others.
const STAND_INS: [(&str, &str); 2] = [
    ("cargo", "#!/bin/sh\n[ \"$1\" = run ] || exit 64\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec llmgw \"$@\"\n"),
    ("make", "#!/bin/sh\n"),
];

/// The port that the documents serve on. Another process may have it, so each run takes one of its own.
const PORT: &str = "8123";

/// A fenced piece of a document: in which language, and its lines.
struct Block {
    language: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All of them, by their paths from the root.
fn documents() -> Vec<String> {
    let guides = fs::read_dir(root().join(GUIDES)).expect(GUIDES).map(|entry| entry.expect("an entry").file_name());
    let guides = guides.map(|name| format!("{GUIDES}/{}", name.to_str().expect("a name in UTF-8")));
    let mut all: Vec<String> = DOCUMENTS.iter().map(|&name| name.to_owned()).chain(guides).collect();
    all.sort_unstable();
    all
}

fn blocks(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(root().join(document)).expect(document);
    let pieces = text.split("\n```").skip(1).step_by(2).filter_map(|piece| piece.split_once('\n'));
    pieces.map(|(language, text)| Block { language: language.to_owned(), text: format!("{text}\n") }).collect()
}

/// The texts of the blocks of `document` that are fenced as `language`.
fn texts(document: &str, language: &str) -> Vec<String> {
    blocks(document).into_iter().filter(|block| block.language == language).map(|block| block.text).collect()
}

/// The name in the first line of a block that is shown as a file: `# failover.yaml`.
fn file_name(block: &str) -> Option<&str> {
    let name = block.lines().next()?.strip_prefix("# ")?;
    (name.ends_with(".yaml") && !name.contains(' ')).then_some(name)
}

/// Whether `line` is what `shown` says, in which `…` stands for anything.
fn is_shown(shown: &str, line: &str) -> bool {
    let mut pieces = shown.trim_end().split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.trim_end().strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// The first line of `shown` that `printed` does not have after those before it.
fn missing<'a>(shown: &'a str, printed: &str) -> Option<&'a str> {
    let mut lines = printed.lines();
    shown.lines().filter(|line| !line.is_empty()).find(|&wanted| !lines.any(|line| is_shown(wanted, line)))
}

/// Ends whatever a block has left behind.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

/// Runs a block in a directory that is home, repository and working directory, with the document's files in it. Hands back
/// what it has printed, stdout and stderr in one.
fn run(document: &str, block: &str) -> String {
    let home = Home::new();
    let port = free_port().to_string();
    let programs = home.path(".programs");
    fs::create_dir(&programs).expect("a directory");
    symlink(env!("CARGO_BIN_EXE_llmgw"), programs.join("llmgw")).expect("a link");
    for (name, script) in STAND_INS {
        let path = home.write(&format!(".programs/{name}"), script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    for file in texts(document, "yaml") {
        file_name(&file).map(|name| home.write(name, file.replace(PORT, &port)));
    }
    #[expect(clippy::disallowed_methods, reason = "where the shell's own commands are is the machine's business")]
    let path = std::env::var("PATH").unwrap_or_default();
    let begin = "exec 2>&1; git init -q .; git -c user.name=a -c user.email=a@b.example commit -q --allow-empty -m 'First commit'";
    let script = format!("set -eu\n{begin}\n{}", block.replace(PORT, &port));
    let mut command = Command::new("sh");
    command.arg("-c").arg(&script).current_dir(home.directory()).env_clear().process_group(0);
    command.env("HOME", home.directory()).env("PATH", format!("{}:{path}", programs.display())).env("OLLAMA_HOST", "127.0.0.1:1");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
    let group = Group(Pid::from_child(&child));
    let ended = Running::of(child).ends_somehow();
    drop(group);
    assert!(ended.code == Some(0) && !ended.out.is_empty(), "{document}:\n{block}\n{ended:#?}");
    apart(&ended.out).replace(&port, PORT)
}

/// A line of a gateway's log may come right behind what another command has printed without ending its line.
fn apart(printed: &str) -> String {
    let begins_log = |at: &usize| {
        let Some(time) = printed.as_bytes().get(*at..at + 11) else { return false };
        time.iter().zip(b"0000-00-00T").all(|(found, shape)| if *shape == b'0' { found.is_ascii_digit() } else { found == shape })
    };
    let mut lines = printed.to_owned();
    (1..printed.len()).filter(begins_log).collect::<Vec<_>>().into_iter().rev().for_each(|at| lines.insert(at, '\n'));
    lines
}

/// Runs the commands of a document. A `text` block right after them is what they print.
fn follow(document: &str) {
    let blocks = blocks(document);
    let shown_after = |at: usize| blocks.get(at + 1).filter(|next| next.language == "text");
    for (at, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        let printed = run(document, &block.text);
        let missing = shown_after(at).and_then(|shown| missing(&shown.text, &printed));
        assert_eq!(missing, None, "{document} shows a line that is not printed, or not there:\n{}\n{printed}", block.text);
    }
}

/// What of a block is configuration of llmgw: all of it, or, among Kubernetes' objects, what a ConfigMap holds.
fn configurations(block: &str) -> Vec<String> {
    if !block.contains("apiVersion:") {
        return if block.contains("providers:") { vec![block.to_owned()] } else { Vec::new() };
    }
    let objects = block.split("\n---\n").map(|text| serde_yaml::from_str::<serde_yaml::Value>(text).expect("YAML"));
    let held = objects.filter_map(|object| Some(object.get("data")?.get("llmgw.yaml")?.as_str()?.to_owned()));
    held.collect()
}

/// The names in `text` that stand between `before` and the first character that `is_part` refuses.
fn named<'a>(text: &'a str, before: &str, is_part: impl Fn(char) -> bool) -> Vec<&'a str> {
    let ends = text.split(before).skip(1).map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or_default());
    ends.filter(|name| !name.is_empty()).collect()
}

/// What a variable or a file of that name holds: no two the same, for callers' keys have to differ.
fn secret(name: &str) -> String {
    format!("sk-0123456789-{name}")
}

/// `llmgw config check` of a whole configuration, with whatever it names at hand.
pub fn check(configuration: &str) {
    let home = Home::new();
    for file in named(configuration, "file:", |c| c.is_alphanumeric() || "/-_.".contains(c)) {
        home.write(file.trim_start_matches('/'), secret(file));
    }
    home.write("llmgw.yaml", configuration.replace("file:/", &format!("file:{}/", home.directory().display())));
    let variables = named(configuration, "${", |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    variables.iter().fold(home.llmgw(&["config", "check"]), |line, name| line.env(name, &secret(name))).ends(0);
}

#[test]
fn what_the_documents_say_to_type_works() {
    thread::scope(|scope| {
        for document in documents() {
            scope.spawn(move || follow(&document));
        }
    });
}

#[test]
fn the_documents_configurations_can_be_used() {
    for document in documents() {
        texts(&document, "yaml").iter().flat_map(|block| configurations(block)).for_each(|configuration| check(&configuration));
    }
}

#[test]
fn languages_show_the_same_commands() {
    let all = documents();
    for english in all.iter().filter(|name| !name.ends_with(".zh.md")) {
        let chinese = english.replace(".md", ".zh.md");
        assert!(all.contains(&chinese), "{chinese} is missing");
        let languages = |document: &str| blocks(document).into_iter().map(|block| block.language).collect::<Vec<_>>();
        assert!(!languages(english).is_empty(), "{english} shows nothing");
        assert_eq!(languages(english), languages(&chinese), "{english} and {chinese}");
    }
}

#[test]
fn languages_tell_of_the_same_errors() {
    let rows = |document: &str| {
        let page = fs::read_to_string(root().join(document)).expect(document).replace('、', ", ");
        let cells = page.lines().map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
        let rows = cells.filter(|cells| cells.len() > 3 && cells[1].starts_with(|first: char| first.is_numeric()));
        // A cell without a code says whose it is, in its own language.
        rows.map(|cells| (cells[1].clone(), cells[2].split('`').nth(1).map(str::to_owned))).collect::<Vec<_>>()
    };
    assert_eq!(rows("docs/errors.md"), rows("docs/errors.zh.md"));
}

#[test]
fn a_line_is_shown_as_it_is_or_with_gaps() {
    assert!(is_shown("req-…  200 ok after … ms", "req-61  200 ok after 1.5 ms"));
    assert!(is_shown("…", "anything") && is_shown("as it is", "as it is  "));
    assert!(!is_shown("200 …", "an 200 ok") && !is_shown("… ok", "200 ok, nearly") && !is_shown("as it", "as it is"));
    assert_eq!(missing("b\nd\n", "a\nb\nc\n"), Some("d"));
    assert_eq!(missing("c\na\n", "a\nb\nc\n"), Some("a"));
    assert_eq!(apart("{\"ok\":1}2026-11-28T19:10:51Z  WARN a\n"), "{\"ok\":1}\n2026-11-28T19:10:51Z  WARN a\n");
}
