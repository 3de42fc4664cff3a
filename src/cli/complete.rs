//! Completion in the shell. A script (`llmgw completions`) asks this program what may follow the words typed so far, so that
//! models, providers, roles and sessions are those of the configuration that the line itself would use. Asks nobody.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Command;
use clap_complete::env::{CompleteEnv, EnvCompleter, Shells};
use clap_complete::{ArgValueCandidates, CompletionCandidate, Shell};

use crate::cli::chat::session::Sessions;
use crate::config::Config;
use crate::config::env::Env;
use crate::config::load::{self, Overrides};
use crate::engine::Engine;

/// Set by the scripts, to the shell's name.
const VARIABLE: &str = "LLMGW_COMPLETE";

/// What zsh needs when it finds the script as `_llmgw` and runs it in order to complete, rather than reads it at its start.
const ZSH_AUTOLOADED: &str = r#"
if [ "$funcstack[1]" = "_llmgw" ]; then
    _clap_dynamic_completer_llmgw "$@"
fi
"#;

/// Answers a shell that asks what may follow. `false`: none asks, this is an ordinary run.
pub fn answer(command: fn() -> Command, arguments: &[OsString], environment: &Env) -> Result<bool, clap::Error> {
    if environment.get_filled(VARIABLE).is_none() {
        return Ok(false);
    }
    CompleteEnv::with_factory(command).var(VARIABLE).try_complete(arguments.to_vec(), Some(environment.current_dir()))
}

/// The script that makes `shell` ask.
pub fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let known = Shells::builtins();
    let completer: &dyn EnvCompleter =
        known.completer(&shell.to_string()).ok_or_else(|| std::io::Error::other(format!("{shell} cannot ask a program")))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "llmgw", "llmgw", "llmgw", &mut script)?;
    if shell == Shell::Zsh {
        script.extend_from_slice(ZSH_AUTOLOADED.as_bytes());
    }
    Ok(script)
}

/// Names that a request may have as its model.
pub fn models() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let Some(config) = configuration() else { return Vec::new() };
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
        let _entered = runtime.enter();
        let Ok(engine) = Engine::start(config, Box::new(|| Err(Vec::new()))) else { return Vec::new() };
        named(engine.models().into_iter().filter(|row| row.enabled).map(|row| row.name))
    })
}

/// Names of providers.
pub fn providers() -> ArgValueCandidates {
    of_configuration(|config| config.providers.iter().map(|provider| provider.name.to_string()).collect())
}

/// Names of roles.
pub fn roles() -> ArgValueCandidates {
    of_configuration(|config| config.roles.iter().map(|role| role.name.to_string()).collect())
}

/// Names of callers' keys.
pub fn keys() -> ArgValueCandidates {
    of_configuration(|config| config.auth.keys.iter().map(|key| key.name.to_string()).collect())
}

/// Names of sessions, the last first.
pub fn sessions() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let sessions = Sessions::of(&Env::capture()).and_then(|sessions| sessions.list());
        named(sessions.unwrap_or_default().into_iter().map(|session| session.name))
    })
}

fn of_configuration(names: fn(&Config) -> Vec<String>) -> ArgValueCandidates {
    ArgValueCandidates::new(move || configuration().map_or_else(Vec::new, |config| named(names(&config))))
}

fn named(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let mut candidates: Vec<CompletionCandidate> = names.into_iter().map(CompletionCandidate::new).collect();
    candidates.dedup();
    candidates
}

/// The one that the line would use. One that cannot be used completes nothing: what is wrong with it, the line will tell.
fn configuration() -> Option<Config> {
    let file = file_of(std::env::args_os().skip(1).filter_map(|word| word.into_string().ok()));
    load::load(&Env::capture(), file.as_deref(), &Overrides::default()).ok().map(|loaded| loaded.config)
}

/// What `--config` says among the words of a line that is not finished.
fn file_of(words: impl Iterator<Item = String>) -> Option<PathBuf> {
    let mut words = words.skip_while(|word| word != "--");
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "-c" | "--config") {
            return words.next().map(PathBuf::from);
        }
        if let Some(path) = word.strip_prefix("--config=").or_else(|| word.strip_prefix("-c").filter(|path| !path.is_empty())) {
            return Some(PathBuf::from(path));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::file_of;

    #[test]
    fn the_configuration_is_that_of_the_line() {
        let file = |line: &str| file_of(line.split(' ').map(str::to_owned));
        for line in ["-- llmgw -c a.yaml chat", "-- llmgw chat --config a.yaml -m", "-- llmgw --config=a.yaml", "-- llmgw -ca.yaml"] {
            assert_eq!(file(line).as_deref(), Some(Path::new("a.yaml")), "{line}");
        }
        assert_eq!(file("-- llmgw chat -m"), None);
        assert_eq!(file("-c not-of-the-line -- llmgw chat -c"), None);
    }
}
