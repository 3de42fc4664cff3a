//! Loading: from a file, from a text, from the environment alone.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use url::Url;

use super::defaults::DATABASE;
use super::diagnostic::Diagnostic;
use super::diagnostic::Severity;
use super::env::Env;
use super::file::File;
use super::leaves::reason;
use super::locate::{Located, locate};
use super::presets::{self, Preset};
use super::read::{Place, Read, Reader};
use super::resolve::{EXPOSED_HINT, Resolver, exposed};
use super::source::Source;
use super::spanned::{Node, Span, Value, parse};
use super::{Config, Level, Origin, Provider, otlp, proxy, watch};

/// A configuration is a few pages; what is larger was named by mistake.
const LARGEST: u64 = 10_000_000;

/// What the command line says, over the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--host`
    pub host: Option<String>,
    /// `--port`
    pub port: Option<u16>,
    /// `--workers`
    pub workers: Option<usize>,
    /// `--insecure`
    pub insecure: bool,
    /// `--log-level`
    pub log_level: Option<Level>,
}

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// It.
    pub config: Config,
    /// What is probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// Every file that it was read from or that it names, the configuration file first: what to watch.
    pub files: Vec<PathBuf>,
    /// What the configuration file held.
    pub digest: Option<watch::Digest>,
}

/// Finds and loads the configuration; without a file, what the environment gives (no Ollama is looked for).
pub fn load(env: &Env, flag: Option<&Path>, overrides: &Overrides) -> Result<Loaded, Vec<Diagnostic>> {
    match locate(env, flag).map_err(|diagnostic| vec![*diagnostic])? {
        Located::File { path, why } => load_file(&path, why, env, overrides),
        Located::None => {
            let config = overrides.over(from_environment(env, false))?;
            Ok(Loaded { config, warnings: Vec::new(), files: Vec::new(), digest: None })
        }
    }
}

/// Loads this file; `why` is what is said of its choice.
pub fn load_file(path: &Path, why: &'static str, env: &Env, overrides: &Overrides) -> Result<Loaded, Vec<Diagnostic>> {
    let name = path.strip_prefix(env.current_dir()).unwrap_or(path).display().to_string();
    let (text, digest) = read(path, &name)?;
    let base = path.parent().unwrap_or(Path::new("."));
    let mut loaded = load_text(&name, &text, base, env, overrides)?;
    loaded.config.origin = Origin::File { path: path.to_owned(), why };
    loaded.files.insert(0, path.to_owned());
    loaded.digest = Some(digest);
    Ok(loaded)
}

/// Loads a text as if it were a file of this name in this directory.
pub fn load_text(name: &str, text: &str, base: &Path, env: &Env, overrides: &Overrides) -> Result<Loaded, Vec<Diagnostic>> {
    let source = Source::new(name, text);
    let tree = parse(text).map_err(|error| {
        let diagnostic = source.diagnostic(Severity::Error, error.span, "", error.message);
        let line = error.span.line;
        let hint = syntax_hint(source.raw_line(line)).or_else(|| syntax_hint(source.raw_line(line.saturating_sub(1))));
        vec![match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }]
    })?;
    check_root(name, &tree.root)?;
    let source = source.with_tree(&tree);
    let mut reader = Reader::new(&source, env, base);
    for duplicate in &tree.duplicates {
        let place = Place { path: duplicate.path.clone(), span: duplicate.span };
        let hint = format!("it stands in line {} already; keep one of the two", duplicate.first.line);
        reader.mistakes.error_with(&place, "a duplicate key", hint);
    }
    let root = Place { path: String::new(), span: Span { line: 1, column: 1, end_line: 1, end_column: 1 } };
    let file = File::read(&tree.root, &root, &mut reader).unwrap_or_default();
    let Reader { mut mistakes, mut files, .. } = reader;
    let mut resolver = Resolver { mistakes: &mut mistakes, files: Vec::new(), env };
    let origin = Origin::File { path: base.join(name), why: "given" };
    let config = resolver.config(file, origin, overrides);
    files.append(&mut resolver.files);
    let found = mistakes.into_sorted();
    if found.iter().any(Diagnostic::is_error) { Err(found) } else { Ok(Loaded { config, warnings: found, files, digest: None }) }
}

/// Providers from the conventional variables, in the presets' order, then a local Ollama if `ollama` says that one answers;
/// with none of them, the built-in mock.
pub fn from_environment(env: &Env, ollama: bool) -> Config {
    let mut found = Vec::new();
    let mut providers = Vec::new();
    for preset in presets::all() {
        let key = preset.key_from(env);
        let local = ollama && preset.name == "ollama";
        if key.is_none() && !local {
            continue;
        }
        let named = key.as_ref().map_or("a local Ollama", |(name, _)| name).to_owned();
        if let Some(provider) = of_environment(preset, key.map(|(_, key)| key), env) {
            found.push(named);
            providers.push(provider);
        }
    }
    let origin = if providers.is_empty() { Origin::Mock } else { Origin::Environment { found } };
    if providers.is_empty() {
        providers.extend(Provider::mock("mock"));
    }
    for (position, provider) in (1..).zip(&mut providers) {
        provider.priority = position;
        provider.proxy = proxy::from_environment(env);
    }
    let mut config = Config::of_providers(origin, providers);
    config.storage.path = env.data_dir().map(|directory| directory.join(DATABASE));
    config.telemetry.otlp = otlp::from_environment(env, None);
    config
}

/// Where a local Ollama would answer: where its own command looks, `$OLLAMA_HOST`, else at its usual port.
pub fn ollama_url(env: &Env) -> Option<Url> {
    let usual = Url::parse(&presets::find("ollama")?.base_url).ok()?;
    let Some(host) = env.get_filled("OLLAMA_HOST").map(str::trim) else { return Some(usual) };
    let written = if host.contains("://") { host.to_owned() } else { format!("http://{host}") };
    let mut url = Url::parse(&written).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // The variable is also the address that the server binds: every address is then this machine's.
    if matches!(url.host_str(), Some("0.0.0.0" | "[::]")) {
        url.set_host(usual.host_str()).ok()?;
    }
    // Without a scheme the port is Ollama's, with one it is the scheme's.
    if url.port().is_none() && !host.contains("://") {
        url.set_port(usual.port()).ok()?;
    }
    url.set_path(usual.path());
    Some(url)
}

impl Overrides {
    /// `config` with these, for configurations without a file: files are loaded with them.
    pub fn over(&self, mut config: Config) -> Result<Config, Vec<Diagnostic>> {
        self.apply_to(&mut config);
        if !config.is_exposed() {
            return Ok(config);
        }
        let message = exposed(&config.server.host);
        Err(vec![Diagnostic::of_file("--host", message).hint(EXPOSED_HINT)])
    }

    /// Puts these in place of what `config` has.
    pub(super) fn apply_to(&self, config: &mut Config) {
        if let Some(host) = &self.host {
            config.server.host.clone_from(host);
        }
        config.server.port = self.port.unwrap_or(config.server.port);
        config.server.workers = self.workers.unwrap_or(config.server.workers);
        config.server.insecure |= self.insecure;
        config.logging.level = self.log_level.unwrap_or(config.logging.level);
    }
}

impl Config {
    /// Whether others can reach the server and no key is asked of them, without that being said.
    pub fn is_exposed(&self) -> bool {
        !self.server.is_loopback() && self.auth.keys.is_empty() && !self.server.insecure
    }
}

/// Where vendors' own SDKs look for another address.
const ADDRESSES: [(&str, &str); 3] =
    [("openai", "OPENAI_BASE_URL"), ("anthropic", "ANTHROPIC_BASE_URL"), ("gemini", "GOOGLE_GEMINI_BASE_URL")];

/// One provider with this key and the address that the vendor's own SDK would use; Ollama's likewise. `None`: what names
/// the address is no URL.
pub fn of_environment(preset: &Preset, key: Option<super::Secret>, env: &Env) -> Option<Provider> {
    let mut provider = Provider::from_preset(preset, key)?;
    if preset.name == "ollama" {
        provider.base_url = ollama_url(env)?;
    }
    let variable = ADDRESSES.iter().find(|(name, _)| *name == preset.name).map(|(_, variable)| *variable);
    let Some(address) = variable.and_then(|variable| env.get_filled(variable)) else { return Some(provider) };
    // A key must not go anywhere but where its owner pointed: an address that is none takes the provider out.
    let mut url = Url::parse(address.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    if provider.base_url != url {
        provider.default_model = None;
        provider.base_url = url;
    }
    Some(provider)
}

fn read(path: &Path, name: &str) -> Result<(String, watch::Digest), Vec<Diagnostic>> {
    let wrong = |message: &str, hint: &str| vec![Diagnostic::of_file(name, message).hint(hint)];
    let unreadable = |error: &std::io::Error| vec![Diagnostic::of_file(name, format!("cannot be read: {}", reason(error)))];
    if fs::metadata(path).map_err(|error| unreadable(&error))?.is_dir() {
        return Err(wrong("is a directory, not a file", &format!("name the file in it, such as {name}/llmgw.yaml")));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| unreadable(&error))?;
    // Pipes have no length of their own, so the limit is put on reading.
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(wrong("is larger than 10 MB", "this is no configuration file; was another one meant?"));
    }
    if bytes.contains(&0) {
        return Err(wrong("is a binary file, not YAML text", "was another file meant?"));
    }
    let digest = watch::digest(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        wrong(&format!("is not UTF-8 text (line {line})"), "save it as UTF-8")
    })?;
    Ok((text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text), digest))
}

fn check_root(name: &str, root: &Node) -> Result<(), Vec<Diagnostic>> {
    let wrong = |message: &str, hint: &str| Err(vec![Diagnostic::of_file(name, message).hint(hint)]);
    match root.value {
        Value::Map(_) => Ok(()),
        _ if root.is_null() => wrong("is empty", "begin with `providers:`; `config/examples/minimal.yaml` is one"),
        _ => wrong("is not a mapping of keys to values", "a configuration begins with a key such as `providers:`"),
    }
}

/// What is most often behind a line that is not YAML.
fn syntax_hint(line: &str) -> Option<&'static str> {
    let before_variable = line.split_once("${").map(|(before, _)| before);
    if before_variable.is_some_and(|before| before.contains(['{', '[']) && !before.ends_with(['"', '\''])) {
        return Some("inside of `{ … }` and `[ … ]` a variable needs quotes: `\"${NAME}\"`");
    }
    if line.contains('\t') {
        return Some("YAML is indented with blanks, never with tabs");
    }
    if line.contains('：') || line.contains('，') || line.contains('“') {
        return Some("full-width punctuation (`：` `，` `“`) is plain text to YAML; use `:` `,` `\"`");
    }
    None
}
