//! Completions and man pages, as the shells and the pagers read them.

use std::fs;
use std::path::PathBuf;
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
        assert!(ended.out.contains("LLMGW_COMPLETE") && ended.err.is_empty(), "{ended:#?}");
        let path = home.write(shell, &ended.out);
        if ["bash", "zsh", "fish"].contains(&shell) {
            assert_eq!(accepts(shell, &["-n"], &path).and_then(Result::err), None, "{shell}");
        }
    }
    home.run(&["completions", "csh"], 2).says(&["bash"]);
}

/// What `shell` would offer after `line`, in the order of the alphabet; `None`: it is not installed.
fn offered(home: &Home, shell: &str, line: &str) -> Option<Vec<String>> {
    let script = home.path(&format!("completion.{shell}"));
    fs::write(&script, home.run(&["completions", shell], 0).out).expect("a file");
    let (script, last) = (script.display(), line.split(' ').next_back().unwrap_or_default());
    // bash and zsh have no command that says what they would offer: the words that their own function gets are set by hand.
    let asked = match shell {
        "bash" => format!(
            "source {script}; COMP_WORDS=({line}{}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _clap_complete_llmgw llmgw '{last}' x; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            if last.is_empty() { "''" } else { "" }
        ),
        "zsh" => format!(
            "compdef() {{ : }}; _describe() {{ print -rl -- \"${{(P@)argv[-1]%%:*}}\" }}; source {script}; \
             words=({line}{}); CURRENT=${{#words}}; _clap_dynamic_completer_llmgw",
            if last.is_empty() { "''" } else { "" }
        ),
        _ => format!("source {script}; complete --do-complete '{line}' | string split -f 1 \\t"),
    };
    let mut command = Command::new(shell);
    command.arg(if shell == "zsh" { "-fc" } else { "-c" }).arg(asked).current_dir(home.directory()).env("HOME", home.directory());
    #[expect(clippy::disallowed_methods, reason = "where the shell's own commands are is the machine's business")]
    let path = std::env::var("PATH").unwrap_or_default();
    let programs = PathBuf::from(env!("CARGO_BIN_EXE_llmgw")).parent().expect("a directory").display().to_string();
    command.env("PATH", format!("{programs}:{path}")).env_remove("LLMGW_CONFIG");
    let output = command.stdin(Stdio::null()).output().ok()?;
    let mut names: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(|line| line.trim().to_owned()).collect();
    assert!(output.stderr.is_empty(), "{shell}: {output:?}");
    names.sort_unstable();
    Some(names)
}

#[test]
fn shells_complete_commands_flags_and_the_names_of_the_configuration() {
    let home = Home::with(
        "providers:\n  - { name: 深度求索, type: mock, models: [deepseek-chat] }\n  - { name: off, type: mock, enabled: false }\n\
         models:\n  gpt-4: { routes: [{ provider: 深度求索, model: deepseek-chat }] }\n  通义千问: { routes: [{ provider: 深度求索 }] }\n\
         roles: { 译者: { system: 翻译 } }\n",
    );
    home.write("other.yaml", "providers: [{ name: elsewhere, type: mock, models: [other] }]\n");
    home.run(&["chat", "--session", "旅行", "-m", "gpt-4", "你好"], 0);
    let cases: [(&str, &[&str]); 9] = [
        ("llmgw li", &["list"]),
        ("llmgw chat --max", &["--max-tokens"]),
        ("llmgw chat --model gp", &["gpt-4"]),
        ("llmgw explain 通", &["通义千问"]),
        ("llmgw test --provider 深", &["深度求索"]),
        ("llmgw chat -r ", &["译者"]),
        ("llmgw chat --session ", &["旅行"]),
        ("llmgw -c other.yaml bench o", &["other"]),
        ("llmgw -c missing.yaml explain g", &[]),
    ];
    for shell in ["bash", "zsh", "fish"] {
        for (line, names) in cases {
            let Some(offered) = offered(&home, shell, line) else { break };
            let offered: Vec<&String> = offered.iter().filter(|name| !name.is_empty()).collect();
            assert_eq!(offered, names, "{shell}: {line}");
        }
    }
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
