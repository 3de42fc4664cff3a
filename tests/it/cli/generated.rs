//! Completions and man pages, as the shells and the pagers read them.

use std::fs;
use std::process::{Command, Stdio};

use super::process::Home;

/// Whether `program` takes the file `path` as its last argument without complaint; `None`: it is not installed.
fn accepts(program: &str, arguments: &[&str], path: &std::path::Path) -> Option<Result<(), String>> {
    let output = Command::new(program).args(arguments).arg(path).stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

#[test]
fn shells_understand_their_completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = home.run(&["completions", shell], 0);
        assert!(ended.out.contains("discover") && ended.err.is_empty(), "{ended:#?}");
        let path = home.write(shell, &ended.out);
        if ["bash", "zsh", "fish"].contains(&shell) {
            assert_eq!(accepts(shell, &["-n"], &path).and_then(Result::err), None, "{shell}");
        }
    }
    home.run(&["completions", "csh"], 2).says(&["bash"]);
}

#[test]
fn bash_completes_a_command() {
    let home = Home::new();
    let script = home.run(&["completions", "bash"], 0).out;
    let path =
        home.write("completion.bash", script + "\nCOMP_WORDS=(llmgw li)\nCOMP_CWORD=1\n_llmgw llmgw li llmgw\necho \"${COMPREPLY[*]}\"\n");
    let Ok(output) = Command::new("bash").arg(path).output() else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "list\n", "{output:?}");
}

#[test]
fn man_pages_are_written_one_a_command() {
    let home = Home::new();
    home.run(&["man", "--dir", "pages"], 0).prints("");
    let mut pages: Vec<String> = fs::read_dir(home.path("pages"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    pages.sort();
    assert!(pages.contains(&"llmgw.1".to_owned()) && pages.contains(&"llmgw-config-check.1".to_owned()), "{pages:?}");
    for page in &pages {
        let complaint = accepts("mandoc", &["-T", "lint", "-W", "error"], &home.path("pages").join(page)).and_then(Result::err);
        assert_eq!(complaint, None, "{page}");
    }
    assert!(home.run(&["man"], 0).out.contains(".TH llmgw"));
}
