//! The questions of `llmgw init`, on stderr; nothing is written here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::Term;
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, MultiSelect, Password, Select};
use futures_util::StreamExt;
use futures_util::stream;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::init::found::{entry, found, provider, variable};
use crate::cli::init::text::{Entry, Key};
use crate::cli::inquiry::inquire;
use crate::config::presets::{self, Preset};
use crate::config::{Provider, Secret};

/// As long as a person waits for a list of models without wondering.
const LISTS_WITHIN: Duration = Duration::from_secs(10);

/// A question that was written is read for after a moment; with much else to do, after a longer one.
#[cfg(unix)]
const READS_WITHIN: Duration = Duration::from_secs(1);

/// Providers asked at once.
const AT_ONCE: usize = 8;

/// Rows of a list that fit on any screen.
const ROWS: usize = 12;

/// Directory beside the configuration for keys that were typed in.
const KEYS: &str = "keys";

/// What the questions came to.
#[derive(Default)]
pub struct Answers {
    /// Providers, the preferred one first.
    pub entries: Vec<Entry>,
    /// Keys to be kept in files of their own.
    pub keys: Vec<(PathBuf, Secret)>,
    /// Variables that are named and not set yet.
    pub missing: Vec<String>,
}

/// Ctrl-C instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("given up")]
pub struct GaveUp;

/// Refuses to ask where nobody can answer.
pub fn check_terminal(context: &Context) -> Result<(), Failure> {
    let terminal = context.printer.terminal();
    if terminal.stdin && terminal.stderr {
        return Ok(());
    }
    Err(Failure::usage("`llmgw init` asks questions, and there is no terminal to ask on")
        .hint("`llmgw init --yes` asks nothing and takes what the environment has"))
}

/// Asks whether the file that is there may be overwritten; if not, that is the end.
pub async fn agree_to_overwrite(path: &Path) -> anyhow::Result<()> {
    let question = format!("{} exists. Overwrite it?", path.display());
    let agreed = prompt(move |theme| Confirm::with_theme(theme).with_prompt(question).default(false).interact()).await?;
    if agreed { Ok(()) } else { Err(Failure::failed("nothing was written").hint("write another file with `--output`").into()) }
}

/// Asks everything. Keys that are typed in may be kept in `beside`.
pub async fn answers(beside: Option<&Path>, context: &Context) -> anyhow::Result<Answers> {
    console::set_colors_enabled_stderr(context.printer.terminal().stderr_colour);
    let found = found(context).await;
    let mut chosen = choose(&found, context).await?;
    chosen.retain(|preset| has_address(preset, context));
    let mut answers = Answers::default();
    let listed = check_found(&chosen, context).await;
    for (preset, models) in chosen.into_iter().zip(listed) {
        let known = found.iter().find(|entry| entry.preset.name == preset.name);
        let (key, models) = match models {
            Some(models) => (known_key(preset, context), models),
            None => match ask_key(preset, beside, &mut answers, context).await? {
                Some(given) => given,
                None => continue,
            },
        };
        let Some(provider) = provider(preset, None, &context.environment) else { continue };
        let mut entry = known.cloned().unwrap_or_else(|| entry(preset, key.clone(), &provider));
        entry.key = key;
        entry.default_model = pick_model(&entry, &models).await?;
        answers.entries.push(entry);
    }
    prefer(&mut answers.entries).await?;
    Ok(answers)
}

/// Which providers; those that were found are ticked.
async fn choose(found: &[Entry], context: &Context) -> anyhow::Result<Vec<&'static Preset>> {
    let is_found = |preset: &Preset| found.iter().any(|entry| entry.preset.name == preset.name);
    let (mut offered, others): (Vec<_>, Vec<_>) = presets::all().iter().partition(|preset| is_found(preset));
    offered.extend(others);
    let rows: Vec<(String, bool)> = offered
        .iter()
        .map(|preset| {
            let known = match variable(preset, &context.environment) {
                Some((name, _)) => format!(", {name} is set"),
                None if is_found(preset) => ", answers on this machine".to_owned(),
                None => String::new(),
            };
            (format!("{} ({}{known})", preset.title, preset.name), is_found(preset))
        })
        .collect();
    let question = "Which providers? Space ticks, Enter goes on";
    let ticked = prompt(move |theme| {
        MultiSelect::with_theme(theme).with_prompt(question).items_checked(rows).max_length(ROWS).report(false).interact()
    });
    Ok(ticked.await?.into_iter().map(|position| offered[position]).collect())
}

/// Whether it is known where `preset` is; a key goes nowhere else.
fn has_address(preset: &'static Preset, context: &Context) -> bool {
    let has_address = provider(preset, None, &context.environment).is_some();
    if !has_address {
        context.printer.warning(&format!("{}: the environment names an address for it that is no URL; it is left out", preset.name));
    }
    has_address
}

/// Asks those whose key is known, or that need none, for their models; `None`: a key is missing.
async fn check_found(chosen: &[&'static Preset], context: &Context) -> Vec<Option<Vec<Arc<str>>>> {
    let progress = context.printer.spinner("checking keys");
    let checked = stream::iter(chosen.iter().copied()).map(async |preset| {
        let key = variable(preset, &context.environment);
        if key.is_none() && !preset.env.is_empty() {
            return None;
        }
        let provider = provider(preset, key.map(|(_, key)| key), &context.environment)?;
        Some(check(provider).await)
    });
    let checked: Vec<Option<Result<Vec<Arc<str>>, String>>> = checked.buffered(AT_ONCE).collect().await;
    progress.finish_and_clear();
    let told = chosen.iter().zip(checked).map(|(preset, models)| {
        let models = models?;
        tell(preset, &models, context);
        Some(models.unwrap_or_default())
    });
    told.collect()
}

async fn check(provider: Provider) -> Result<Vec<Arc<str>>, String> {
    inquire(provider, LISTS_WITHIN).await.map_err(|trouble| trouble.to_string())?.models
}

fn tell(preset: &Preset, models: &Result<Vec<Arc<str>>, String>, context: &Context) {
    match models {
        Ok(models) => context.printer.notice(&format!("{}: it answers, and has {} models", preset.name, models.len())),
        Err(reason) => context.printer.warning(&format!("{}: {reason}", preset.name)),
    }
}

fn known_key(preset: &'static Preset, context: &Context) -> Key {
    variable(preset, &context.environment).map_or(Key::None, |(name, _)| Key::Variable(name.to_owned()))
}

/// Asks for a key, checks it, and asks where to keep it. `None`: the provider is left out after all.
async fn ask_key(
    preset: &'static Preset,
    beside: Option<&Path>,
    answers: &mut Answers,
    context: &Context,
) -> anyhow::Result<Option<(Key, Vec<Arc<str>>)>> {
    let variable = preset.env.first().map(String::as_str).unwrap_or_default();
    loop {
        let question = format!("API key of {} (Enter: it will be in ${variable})", preset.title);
        let typed =
            prompt(move |theme| Password::with_theme(theme).with_prompt(question).allow_empty_password(true).report(false).interact())
                .await?;
        let typed = typed.trim();
        if typed.is_empty() {
            context.printer.notice(&format!("{}: its key will be in {variable}", preset.name));
            answers.missing.push(variable.to_owned());
            return Ok(Some((Key::Variable(variable.to_owned()), Vec::new())));
        }
        let key = Secret::new(typed);
        let Some(provider) = provider(preset, Some(key.clone()), &context.environment) else { return Ok(None) };
        let progress = context.printer.spinner("checking the key");
        let models = check(provider).await;
        progress.finish_and_clear();
        tell(preset, &models, context);
        if models.is_err() {
            match select("What now?", vec!["Type it again".into(), "Keep it all the same".into(), "Leave this provider out".into()]).await?
            {
                0 => continue,
                1 => {}
                _ => return Ok(None),
            }
        }
        let kept = keep(preset, key, variable, beside, answers).await?;
        return Ok(Some((kept, models.unwrap_or_default())));
    }
}

/// A file for a key that is not there yet: another configuration may use the one that is.
fn free_name(preset: &str, beside: Option<&Path>) -> String {
    let mut names = std::iter::once(format!("{KEYS}/{preset}.key")).chain((2..).map(|number| format!("{KEYS}/{preset}-{number}.key")));
    let is_free = |name: &String| beside.is_none_or(|beside| beside.join(name).symlink_metadata().is_err());
    names.find(is_free).unwrap_or_default()
}

/// Asks where a key shall be kept: in the configuration only if that is wanted.
async fn keep(preset: &'static Preset, key: Secret, variable: &str, beside: Option<&Path>, answers: &mut Answers) -> anyhow::Result<Key> {
    let name = free_name(&preset.name, beside);
    let in_environment = format!("In ${variable}: I will set it in my shell's profile");
    let file = beside.map(|_| format!("In a file of its own, {name}, that only you can read"));
    let in_configuration = "In the configuration: whoever can read that can read the key".to_owned();
    let has_file = file.is_some();
    let places = file.into_iter().chain([in_environment, in_configuration]).collect();
    let place = select("Where shall the key be kept?", places).await?;
    Ok(match (place, beside) {
        (0, Some(beside)) => {
            answers.keys.push((beside.join(&name), key));
            Key::File(name)
        }
        (place, _) if place == usize::from(has_file) => {
            answers.missing.push(variable.to_owned());
            Key::Variable(variable.to_owned())
        }
        _ => Key::Plain(key),
    })
}

/// The model that `auto` uses: the preset's if it is offered, else one of those that are.
async fn pick_model(entry: &Entry, models: &[Arc<str>]) -> anyhow::Result<Option<String>> {
    let usual = entry.default_model.as_deref();
    if models.is_empty() || usual.is_some_and(|usual| models.iter().any(|model| &**model == usual)) {
        return Ok(entry.default_model.clone());
    }
    let rows = models.iter().map(|model| model.to_string()).collect();
    let picked = select(&format!("Which model of {} is its default?", entry.preset.title), rows).await?;
    Ok(Some(models[picked].to_string()))
}

/// Asks which of several is asked first, and moves it there.
async fn prefer(entries: &mut Vec<Entry>) -> anyhow::Result<()> {
    if entries.len() < 2 {
        return Ok(());
    }
    let rows = entries.iter().map(|entry| entry.preset.title.clone()).collect();
    let first = select("Which one is asked first? The others follow when it fails", rows).await?;
    let first = entries.remove(first);
    entries.insert(0, first);
    Ok(())
}

async fn select(question: &str, rows: Vec<String>) -> anyhow::Result<usize> {
    let question = question.to_owned();
    prompt(move |theme| Select::with_theme(theme).with_prompt(question).items(rows).default(0).max_length(ROWS).interact()).await
}

/// Asks on a thread of its own: waiting for a person must not keep signals waiting.
async fn prompt<T: Send + 'static>(ask: impl FnOnce(&ColorfulTheme) -> dialoguer::Result<T> + Send + 'static) -> anyhow::Result<T> {
    let mut question = Question {
        #[cfg(unix)]
        before: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        thread: tokio::task::spawn_blocking(move || ask(&ColorfulTheme::default())),
    };
    let asked = (&mut question.thread).await?;
    asked.map_err(|dialoguer::Error::IO(error)| match error.kind() {
        std::io::ErrorKind::Interrupted => GaveUp.into(),
        _ => anyhow::Error::from(error),
    })
}

/// A question on the screen. One that is given up puts the terminal back as it was, which would be left without echo and cursor.
struct Question<T> {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
    thread: tokio::task::JoinHandle<dialoguer::Result<T>>,
}

impl<T> Drop for Question<T> {
    fn drop(&mut self) {
        let terminal = Term::stderr();
        let _ = terminal.show_cursor();
        if self.thread.is_finished() {
            return;
        }
        #[cfg(unix)]
        self.restore();
        let _ = terminal.write_line("");
    }
}

#[cfg(unix)]
impl<T> Question<T> {
    /// The thread goes on: what is put back before it has changed the terminal for its reading, it would change afterwards.
    fn restore(&self) {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let Some(before) = &self.before else { return };
        let begun = Instant::now();
        let is_unchanged = || tcgetattr(std::io::stdin()).is_ok_and(|now| now.local_modes == before.local_modes);
        while is_unchanged() && !self.thread.is_finished() && begun.elapsed() < READS_WITHIN {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
    }
}
