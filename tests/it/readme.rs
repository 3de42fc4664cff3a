//! What README and QUICKSTART tell people to type works, as written.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::cli::process::{Home, Running, free_port};

const DOCUMENTS: [&str; 4] = ["README.md", "README.zh.md", "QUICKSTART.md", "QUICKSTART.zh.md"];

/// Stands for the commands that build: `cargo run -- …` is the built binary, `make …` is left out. There are no others.
const STAND_INS: [(&str, &str); 2] = [
    ("cargo", "#!/bin/sh\n[ \"$1\" = run ] || exit 64\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec llmgw \"$@\"\n"),
    ("make", "#!/bin/sh\n"),
];

/// The port that the documents serve on. Another process may have it, so each run takes one of its own.
const PORT: &str = "8123";

/// Keys that the documents' configurations name.
const KEYS: [&str; 4] = ["OPENAI_API_KEY", "DEEPSEEK_API_KEY", "TEAM_A_KEY", "LLMGW_ADMIN_KEY"];

/// The blocks of `document` that are fenced as `language`.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).expect(document);
    let pieces = text.split("```").skip(1).step_by(2);
    pieces.filter_map(|piece| Some(piece.strip_prefix(language)?.strip_prefix('\n')?.to_owned())).collect()
}

/// Ends whatever a block has left behind.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

/// Runs a block in an empty directory that is home, repository and working directory.
fn run(document: &str, block: &str) {
    let home = Home::new();
    let programs = home.path(".programs");
    fs::create_dir(&programs).expect("a directory");
    symlink(env!("CARGO_BIN_EXE_llmgw"), programs.join("llmgw")).expect("a link");
    for (name, script) in STAND_INS {
        let path = home.write(&format!(".programs/{name}"), script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    #[expect(clippy::disallowed_methods, reason = "where the shell's own commands are is the machine's business")]
    let path = std::env::var("PATH").unwrap_or_default();
    let begin = "git init -q .; git -c user.name=a -c user.email=a@b.example commit -q --allow-empty -m 'First commit'";
    let script = format!("set -eu\n{begin}\n{}", block.replace(PORT, &free_port().to_string()));
    let mut command = Command::new("sh");
    command.arg("-c").arg(&script).current_dir(home.directory()).env_clear().process_group(0);
    command.env("HOME", home.directory()).env("PATH", format!("{}:{path}", programs.display())).env("OLLAMA_HOST", "127.0.0.1:1");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
    let group = Group(Pid::from_child(&child));
    let ended = Running::of(child).ends_somehow();
    drop(group);
    assert!(ended.code == Some(0) && !ended.out.is_empty(), "{document}:\n{block}\n{ended:#?}");
}

#[test]
fn what_the_documents_say_to_type_works() {
    thread::scope(|scope| {
        for document in DOCUMENTS {
            let blocks = blocks(document, "sh");
            assert!(!blocks.is_empty(), "{document} shows no command");
            scope.spawn(move || blocks.iter().for_each(|block| run(document, block)));
        }
    });
}

#[test]
fn the_documents_configurations_can_be_used() {
    for document in DOCUMENTS {
        let whole = blocks(document, "yaml").into_iter().filter(|block| block.contains("providers:"));
        for block in whole {
            let home = Home::with(&block);
            let line = KEYS.iter().fold(home.llmgw(&["config", "check"]), |line, key| line.env(key, "sk-0123456789abcdef"));
            line.ends(0);
        }
    }
}

#[test]
fn languages_show_the_same_commands() {
    for (english, chinese) in [("README.md", "README.zh.md"), ("QUICKSTART.md", "QUICKSTART.zh.md")] {
        assert_eq!(blocks(english, "sh").len(), blocks(chinese, "sh").len(), "{english} and {chinese}");
    }
}
