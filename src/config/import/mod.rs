//! Other gateways' configuration files as ours: [`convert`] turns one into the text of an `llmgw.yaml`, a list of what it
//! could not carry over, and notes of what behaves otherwise.
//!
//! Pure: text or rows in, text out. A file is data, never code: Python is read as literals. Each kind is one module, which
//! asks a [`Source`] for what it understands and fills a [`Draft`]; whatever nobody has asked for is listed, so nothing can
//! be dropped silently.

mod ai_proxy;
mod bifrost;
mod checked;
mod draft;
mod kind;
mod litellm;
mod litellm_routes;
mod llm_proxy;
mod models_yaml;
mod one_api;
mod parts;
mod python;
mod reference;
mod settings_py;
mod source;
mod tree;
mod vendor;
mod write;

use serde_json::Value;

use draft::Draft;
pub use kind::Kind;
pub use source::Left;
use source::Source;

/// What of a database is read row by row.
pub const TABLES: [&str; 4] = ["channels", "tokens", "abilities", "options"];

/// What a file came to.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What it was.
    pub kind: Kind,
    /// The text of our file. Holds secrets as they stood.
    pub yaml: String,
    /// What is not in it, key by key.
    pub left: Vec<Left>,
    /// What is in it, and behaves otherwise than in the source.
    pub notes: Vec<String>,
}

/// Why nothing could be made of a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// It is no text of this kind.
    #[error("{message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The character in it, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// It is not known whose it is.
    #[error("this is no file of a gateway that can be imported")]
    Unknown,
    /// It is ours.
    #[error("this is a configuration of llmgw already")]
    Ours,
    /// There is no upstream in it.
    #[error("there is no upstream in it that llmgw could ask")]
    Empty {
        /// What it was read as.
        kind: Kind,
        /// Why each was left out.
        left: Vec<Left>,
    },
}

/// What is to be converted.
pub enum Input<'a> {
    /// A text file.
    Text(&'a str),
    /// A database's tables by name, each a list of rows.
    Tables(Value),
}

/// Converts a file of the kind `from`, or of the kind that its content tells.
pub fn convert(input: Input<'_>, from: Option<Kind>) -> Result<Imported, ImportError> {
    let (kind, tree, used) = match input {
        Input::Tables(tables) => (Kind::OneApi, tables, Vec::new()),
        Input::Text(text) => read(text, from)?,
    };
    convert_tree(kind, Source::new(tree, kind, used))
}

/// Whose a text is, its tree, and what of that was used already.
fn read(text: &str, from: Option<Kind>) -> Result<(Kind, Value, Vec<String>), ImportError> {
    let is_python = from.map_or_else(|| kind::is_settings_py(text), |kind| kind == Kind::SettingsPy);
    if is_python {
        let (module, used) = python::read(text)?;
        return Ok((Kind::SettingsPy, module, used));
    }
    let tree = tree::read(text)?;
    match from.or_else(|| kind::detect(&tree)) {
        Some(kind) => Ok((kind, tree, Vec::new())),
        None if kind::is_ours(&tree) => Err(ImportError::Ours),
        None => Err(ImportError::Unknown),
    }
}

fn convert_tree(kind: Kind, source: Source) -> Result<Imported, ImportError> {
    let mut draft = Draft::default();
    match kind {
        Kind::LlmProxy => llm_proxy::convert(&source, &mut draft),
        Kind::ModelsYaml => models_yaml::convert(&source, &mut draft),
        Kind::AiProxy => ai_proxy::convert(&source, &mut draft),
        Kind::LitellmRoutes => litellm_routes::convert(&source, &mut draft),
        Kind::SettingsPy => settings_py::convert(&source, &mut draft),
        Kind::Litellm => litellm::convert(&source, &mut draft),
        Kind::OneApi => one_api::convert(&source, &mut draft),
        Kind::Bifrost => bifrost::convert(&source, &mut draft),
    }
    parts::everywhere(&source, &mut draft);
    let (left, notes) = source.finish();
    match draft.providers.is_empty() {
        true => Err(ImportError::Empty { kind, left }),
        false => Ok(Imported { kind, yaml: draft.render(kind), left, notes }),
    }
}
