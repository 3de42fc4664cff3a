//! `llmgw config import`: another gateway's file as ours. The result is data; what it leaves out, notices.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::ValueHint;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::config::diagnostic::Diagnostic;
use crate::config::env::Env;
use crate::config::import::{ImportError, Imported, Input, Kind, Left, TABLES, convert};
use crate::config::load::{Overrides, load_text};
use crate::storage::foreign;

/// A configuration is a few pages; what is larger was named by mistake.
const LARGEST: u64 = 10_000_000;

/// What the result is called while it is nowhere.
const UNNAMED: &str = "llmgw.yaml";

const EXAMPLES: &str = "\
Examples:
  llmgw config import litellm.yaml                  to stdout
  llmgw config import one-api.db -o llmgw.yaml      to a file that only you can read
  llmgw config import config.yaml --from models-yaml

Kinds, each recognised by its content:
  llm-proxy        YAML with `backends` and `models`
  models-yaml      YAML with `models.openai` or `models.request`
  ai-proxy         JSON with upstreams written as \"name|url|key\"
  litellm-routes   YAML with `model_config` or `model_routes`
  settings-py      Python with `UPSTREAM_PROVIDERS = …`, read as literals, never executed
  litellm          YAML with `model_list`
  one-api          the SQLite database of one-api or new-api
  bifrost          JSON with `providers`, each with its `keys`

Keys stand in the result as they stand in the source. What is not carried over is told on
stderr, key by key.";

/// Flags of `llmgw config import`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The other gateway's file, or its SQLite database; `-` is stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Whose file it is [default: as its content tells]
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    pub from: Option<Kind>,
    /// Where to write, readable for you alone [default: stdout]
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Replace OUT if it is there
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// Runs `llmgw config import`.
pub fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    // `-o -` is stdout, as elsewhere.
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = output.filter(|path| !args.force && path.exists()) {
        return Err(taken(path).into());
    }
    let imported = read(&args).map_err(|error| told(error, &args.file))?;
    match output {
        Some(path) => write(path, &imported.yaml, args.force)?,
        None => context.printer.print(&imported.yaml)?,
    }
    tell(&imported, context);
    let is_sound = check(&imported.yaml, output, context);
    if let Some(path) = output {
        let shown = path.display();
        context.printer.notice(&format!("written to {shown}; `llmgw config check -c {shown}` checks it, `llmgw serve -c {shown}` runs it"));
    }
    Ok(if is_sound { Exit::Done } else { Exit::Failed })
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::word)).try_map(|word| Kind::of_word(&word).ok_or("no such kind"))
}

/// What can go wrong with the source.
enum Wrong {
    File(String),
    Content(ImportError),
}

fn read(args: &Args) -> Result<Imported, Wrong> {
    let is_stdin = args.file == Path::new("-");
    let unreadable = |error: &io::Error| Wrong::File(format!("cannot be read: {error}"));
    let mut source: Box<dyn Read> = match is_stdin {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(&args.file).map_err(|error| unreadable(&error))?),
    };
    let mut bytes = vec![0; foreign::MAGIC.len()];
    let begun = fill(&mut source, &mut bytes).map_err(|error| unreadable(&error))?;
    bytes.truncate(begun);
    if bytes == foreign::MAGIC {
        if is_stdin {
            return Err(Wrong::File("a database cannot come by a pipe: name its file".to_owned()));
        }
        if let Some(kind) = args.from.filter(|kind| *kind != Kind::OneApi) {
            return Err(Wrong::File(format!("is a SQLite database, which no file of the kind {} is", kind.word())));
        }
        let tables = foreign::tables(&args.file, &TABLES).map_err(|error| Wrong::File(format!("cannot be read: {error}")))?;
        return convert(Input::Tables(tables), args.from).map_err(Wrong::Content);
    }
    source.take(LARGEST).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 >= LARGEST {
        return Err(Wrong::File("is larger than 10 MB: this is no configuration file".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|_| Wrong::File("is no UTF-8 text".to_owned()))?;
    convert(Input::Text(&text), args.from).map_err(Wrong::Content)
}

/// Reads until `buffer` is full, or the end; how much it was.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut full = 0;
    while full < buffer.len() {
        match source.read(&mut buffer[full..]) {
            Ok(0) => break,
            Ok(read) => full += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(full)
}

fn told(wrong: Wrong, file: &Path) -> Failure {
    let file = file.display();
    let all = || Kind::ALL.map(|kind| format!("{}: {}", kind.word(), kind.sign()));
    match wrong {
        Wrong::File(message) => Failure::usage(format!("{file}: {message}")),
        Wrong::Content(ImportError::Syntax { line, column, message }) => Failure::usage(format!("{file}:{line}:{column}: {message}")),
        Wrong::Content(error @ ImportError::Unknown) => {
            Failure::usage(format!("{file}: {error}")).details(all()).hint("if it is one of these, say which with `--from KIND`")
        }
        Wrong::Content(error @ ImportError::Ours) => Failure::usage(format!("{file}: {error}")).hint("`llmgw config check` checks it"),
        Wrong::Content(ImportError::Empty { kind, left }) => {
            let message = format!("{file}: read as {}, there is no upstream in it that llmgw could ask", kind.word());
            let failure = Failure::usage(message).details(left.iter().map(line));
            failure.hint(format!("a file of this kind is {}; `--from KIND` reads it as another", kind.sign()))
        }
    }
}

fn taken(path: &Path) -> Failure {
    Failure::usage(format!("{} is there already", path.display())).hint("name another file, or replace it with `--force`")
}

/// A new file for its owner alone; with `force`, in the place of an old one.
fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(path),
        _ => Failure::failed(format!("{} cannot be written: {error}", path.display())),
    };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    // Whoever reads the old file meanwhile has it whole.
    let first = if force { path.with_file_name(name) } else { path.to_owned() };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&first).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        if force { fs::rename(&first, path) } else { Ok(()) }
    });
    if written.is_err() && force {
        // Whatever of it was written holds secrets.
        let _ = fs::remove_file(&first);
    }
    written.map_err(|error| failed(&error).into())
}

fn line(left: &Left) -> String {
    let times = if left.count > 1 { format!(" ({} times)", left.count) } else { String::new() };
    format!("{}{times}: {}", left.path, left.reason)
}

fn tell(imported: &Imported, context: &Context) {
    let printer = &context.printer;
    printer.notice(&format!("read as {}: {}", imported.kind.word(), imported.kind.sign()));
    if !imported.left.is_empty() {
        let keys: usize = imported.left.iter().map(|left| left.count).sum();
        printer.warning(&format!("not carried over: {keys} key{}", if keys == 1 { "" } else { "s" }));
        imported.left.iter().for_each(|left| printer.say_plain(&format!("  {}\n", line(left))));
    }
    imported.notes.iter().for_each(|note| printer.notice(note));
}

/// Whether the result can be loaded. Variables that are not set here are named; they need not be set yet.
fn check(yaml: &str, output: Option<&Path>, context: &Context) -> bool {
    let (environment, missing) = with_all_variables(yaml, context.environment.clone());
    if !missing.is_empty() {
        context.printer.notice(&format!("the result needs these variables, which are not set here: {}", missing.join(", ")));
    }
    let name = output.unwrap_or(Path::new(UNNAMED));
    let base = name.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(environment.current_dir());
    let found = load_text(&name.display().to_string(), yaml, base, &environment, &Overrides::default());
    let is_sound = found.is_ok();
    let diagnostics = found.map_or_else(|errors| errors, |loaded| loaded.warnings);
    diagnostics.iter().for_each(|diagnostic: &Diagnostic| context.printer.say_plain(&format!("{diagnostic}\n")));
    is_sound
}

/// A value for a variable that is not set, of the form that is wanted after `before`.
fn stand_in(before: &str) -> &'static str {
    let is_address = ["url: ", "proxy: "].iter().any(|key| before.trim_end_matches('"').ends_with(key));
    if is_address { "https://not-set-here" } else { "not-set-here" }
}

/// `environment` with everything that `yaml` refers to, and what it did not have.
fn with_all_variables(yaml: &str, mut environment: Env) -> (Env, Vec<String>) {
    let mut missing: Vec<String> = Vec::new();
    for (at, _) in yaml.match_indices("${") {
        let inside = yaml[at + 2..].split('}').next().unwrap_or_default();
        let is_escaped = yaml[..at].ends_with('$');
        if is_escaped || inside.contains(":-") || environment.get(inside).is_some() {
            continue;
        }
        environment = environment.or_variable(inside, stand_in(&yaml[..at]));
        missing.push(inside.to_owned());
    }
    (environment, missing)
}

#[cfg(test)]
mod tests {
    use super::{EXAMPLES, Env, Kind, with_all_variables};

    #[test]
    fn the_help_tells_every_kind() {
        let told: Vec<&str> =
            EXAMPLES.lines().skip_while(|line| !line.starts_with("Kinds")).filter_map(|line| line.split_whitespace().next()).collect();
        assert!(Kind::ALL.iter().all(|kind| told.contains(&kind.word())), "{told:?}");
    }

    #[test]
    fn variables_that_are_not_set_are_named_once_and_stood_in_for() {
        let yaml = "base_url: \"${BASE}/v1\"\nkey: ${KEY}\nb: ${KEY} $${NO} ${D:-d} ${SET}\n";
        let (environment, missing) = with_all_variables(yaml, Env::for_tests(&[("SET", "x")], "."));
        assert_eq!(missing, ["BASE", "KEY"]);
        let values = ["BASE", "KEY", "SET", "D"].map(|name| environment.get(name));
        assert_eq!(values, [Some("https://not-set-here"), Some("not-set-here"), Some("x"), None]);
    }
}
