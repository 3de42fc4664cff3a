//! `llmgw completions` and `llmgw man`: what follows from the command line's definition.
//!
//! The same files are checked in under `completions/` and `man/`, and the tables of `docs/cli.md` follow too; tests compare them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Command, ValueHint};
use clap_complete::Shell;

use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::failure::Exit;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  llmgw completions bash > ~/.local/share/bash-completion/completions/llmgw
  llmgw completions zsh > ~/.zfunc/_llmgw
  llmgw completions fish > ~/.config/fish/completions/llmgw.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  llmgw man | man -l -
  llmgw man --dir ~/.local/share/man/man1";

/// Flags of `llmgw completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell that shall complete
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Flags of `llmgw man`.
#[derive(Debug, clap::Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// Write one file a page into this directory instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// A generated file, by the path it has in the repository.
struct Generated {
    path: String,
    content: Vec<u8>,
}

/// Runs `llmgw completions`.
pub fn completions(args: CompletionsArgs, context: &Context) -> anyhow::Result<Exit> {
    context.printer.print(&String::from_utf8(script(args.shell)?.content)?)?;
    Ok(Exit::Done)
}

/// Runs `llmgw man`.
pub fn man(args: ManArgs, command: Command, context: &Context) -> anyhow::Result<Exit> {
    let pages = pages(command)?;
    match args.dir {
        Some(directory) => write_all(&pages, &directory)?,
        None => pages.into_iter().try_for_each(|page| anyhow::Ok(context.printer.print(&String::from_utf8(page.content)?)?))?,
    }
    Ok(Exit::Done)
}

fn write_all(pages: &[Generated], directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    for page in pages {
        let name = Path::new(&page.path).file_name().unwrap_or_default();
        let path = directory.join(name);
        std::fs::write(&path, &page.content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn script(shell: Shell) -> std::io::Result<Generated> {
    let content = complete::script(shell)?;
    let name = match shell {
        Shell::Zsh => "_llmgw".to_owned(),
        Shell::PowerShell => "_llmgw.ps1".to_owned(),
        other => format!("llmgw.{other}"),
    };
    Ok(Generated { path: format!("completions/{name}"), content })
}

/// llmgw(1) and a page for each command, the nested ones included.
fn pages(command: Command) -> std::io::Result<Vec<Generated>> {
    let mut root = command.disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    add_pages(&root, &mut pages)?;
    Ok(pages)
}

fn add_pages(command: &Command, pages: &mut Vec<Generated>) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut content = Vec::new();
    let source = concat!("llmgw ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone()).source(source).manual("llmgw").render(&mut content)?;
    pages.push(Generated { path: format!("man/{name}.1"), content });
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| add_pages(below, pages))
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use clap::{CommandFactory, ValueEnum};
    use clap_complete::Shell;

    use super::{Generated, pages, script};
    use crate::cli::args::Cli;

    fn everything() -> Vec<Generated> {
        let scripts = Shell::value_variants().iter().map(|shell| script(*shell).unwrap());
        scripts.chain(pages(Cli::command()).unwrap()).collect()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "whether to rewrite is a matter of the one who runs the tests")]
    fn checked_in_files_are_up_to_date() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let bless = std::env::var_os("LLMGW_BLESS").is_some_and(|value| value == "1");
        let generated = everything();
        for file in &generated {
            let path = root.join(&file.path);
            if bless {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &file.content).unwrap();
            }
            let checked_in = std::fs::read(&path).unwrap_or_default();
            assert!(checked_in == file.content, "{} is stale; run the tests with LLMGW_BLESS=1", file.path);
        }
        let expected: BTreeSet<String> = generated.into_iter().map(|file| file.path).collect();
        for directory in ["completions", "man"] {
            for entry in std::fs::read_dir(root.join(directory)).unwrap() {
                let path = format!("{directory}/{}", entry.unwrap().file_name().display());
                assert!(expected.contains(&path), "{path} is generated by nothing any more; remove it");
            }
        }
    }
}
