//! The tables of `docs/cli.md`: what each command can be given, as its definition says it. Only the tests have it.

use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use crate::cli::args::Cli;

const PAGE: &str = "docs/cli.md";

/// How a command's table begins and ends on the page. What stands around them was written by hand.
fn marks(name: &str) -> (String, String) {
    (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"))
}

fn code(words: &str) -> String {
    format!("`{}`", words.replace('|', "\\|"))
}

/// What is typed: `-m`, `--model MODEL`.
fn typed(arg: &Arg) -> String {
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let values = if arg.get_action().takes_values() { values.join(" ") } else { String::new() };
    let optional = arg.get_num_args().is_some_and(|number| number.min_values() == 0) && !values.is_empty();
    let values = if optional { format!("[{values}]") } else { values };
    let Some(long) = arg.get_long() else {
        let many = if arg.get_num_args().is_some_and(|number| number.max_values() > 1) { "…" } else { "" };
        return code(&format!("{values}{many}"));
    };
    let short = arg.get_short().map(|short| format!("{}, ", code(&format!("-{short}")))).unwrap_or_default();
    format!("{short}{}", code(format!("--{long} {values}").trim_end()))
}

/// What help says of it: its sentence, the words that it may be, and its default.
fn meaning(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (help, default) = match help.split_once(" [default: ") {
        Some((help, default)) => (help.to_owned(), Some(default.trim_end_matches(']').to_owned())),
        None => (help, None),
    };
    let given: Vec<String> = arg.get_default_values().iter().map(|value| code(&value.to_string_lossy())).collect();
    let default = default.or_else(|| Some(given.join(", ")).filter(|given| !given.is_empty() && arg.get_action().takes_values()));
    let values = arg.get_possible_values();
    let words: Vec<String> = values.iter().filter(|value| !value.is_hide_set()).map(|value| code(value.get_name())).collect();
    let words = if words.is_empty() || !arg.get_action().takes_values() { String::new() } else { format!(": {}", words.join(", ")) };
    let default = default.map(|default| format!(". Default: {default}")).unwrap_or_default();
    format!("{help}{words}{default}").replace('|', "\\|")
}

fn table(command: &Command) -> String {
    let is_all = command.get_name() == "llmgw";
    let own = command.get_arguments().filter(|arg| !arg.is_hide_set() && (is_all || !arg.is_global_set()));
    let own = own.filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"));
    let rows: String = own.map(|arg| format!("| {} | {} |\n", typed(arg), meaning(arg))).collect();
    if rows.is_empty() { String::new() } else { format!("\n| | |\n| --- | --- |\n{rows}\n") }
}

/// `page` with the table of `command`, and of all below it, as they are now.
fn renewed(page: &str, command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let (begin, end) = marks(name);
    let parts = page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.unwrap_or_else(|| panic!("{PAGE} has no place for {name}: {begin}{end}"));
    let page = format!("{before}{begin}{}{end}{after}", table(command));
    let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    below.fold(page, |page, below| renewed(&page, below))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whether to rewrite is a matter of the one who runs the tests")]
fn the_reference_has_what_each_command_can_be_given() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let mut command = Cli::command();
    command.build();
    let renewed = renewed(&page, &command);
    if std::env::var_os("LLMGW_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, renewed).unwrap();
    } else {
        assert!(page == renewed, "{PAGE} is stale; run the tests with LLMGW_BLESS=1");
    }
}
