//! What is around every page, and how a page becomes an answer.

use std::time::{Duration, SystemTime};

use askama::Template;
use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::admin::assets;
use crate::admin::clock::Clock;
use crate::admin::error::Error;
use crate::admin::format;
use crate::admin::gate::Admission;
use crate::admin::texts::{Language, Texts};
use crate::admin::visit::{Theme, Visit};
use crate::hub::Provenance;

/// A subject of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Providers,
    Models,
    Requests,
    Usage,
    Log,
    Configuration,
    /// None of them.
    Elsewhere,
}

impl Section {
    /// Those that are to be seen, in order.
    pub(super) const ALL: [Section; 7] =
        [Section::Overview, Section::Providers, Section::Models, Section::Requests, Section::Usage, Section::Log, Section::Configuration];

    /// Its name in ids; also that of its icon.
    pub(super) fn id(self) -> &'static str {
        if self == Section::Overview { "overview" } else { self.path() }
    }

    /// Its path below the dashboard's root.
    pub(super) fn path(self) -> &'static str {
        match self {
            Section::Overview | Section::Elsewhere => "",
            Section::Providers => "providers",
            Section::Models => "models",
            Section::Requests => "requests",
            Section::Usage => "usage",
            Section::Log => "log",
            Section::Configuration => "configuration",
        }
    }

    pub(super) fn title(self, texts: &Texts) -> &'static str {
        match self {
            Section::Overview => texts.overview,
            Section::Providers => texts.providers,
            Section::Models => texts.models,
            Section::Requests => texts.requests,
            Section::Usage => texts.usage,
            Section::Log => texts.log,
            Section::Configuration => texts.configuration,
            Section::Elsewhere => "llmgw",
        }
    }
}

/// What every page is told of its reader and its place; also how it writes figures.
pub(super) struct Shell {
    pub t: &'static Texts,
    pub language: Language,
    pub theme: Theme,
    pub clock: Clock,
    pub section: Section,
    /// From the page to the dashboard's root.
    pub root: String,
    /// From the root to the page.
    pub here: String,
    /// From the page to its style and scripts.
    pub assets: String,
    /// What a form carries.
    pub csrf: String,
    /// Where requests go, for an example.
    pub endpoint: String,
    /// It is somebody's who may sign out.
    pub has_session: bool,
    /// Somebody was let in.
    pub is_inside: bool,
}

impl Shell {
    pub(super) fn new(visit: &Visit, section: Section) -> Shell {
        Shell {
            t: visit.language.texts(),
            language: visit.language,
            theme: visit.theme,
            clock: visit.clock,
            section,
            root: visit.root.clone(),
            here: visit.here.clone(),
            assets: format!("{}assets/{}/", visit.root, *assets::FOLDER),
            csrf: visit.csrf(),
            endpoint: endpoint(visit),
            has_session: matches!(visit.admission, Some(Admission::Session(_))),
            is_inside: visit.admission.is_some(),
        }
    }

    pub(super) fn sections(&self) -> [Section; 7] {
        Section::ALL
    }

    pub(super) fn themes(&self) -> [Theme; 3] {
        Theme::ALL
    }

    pub(super) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The name of a theme.
    pub(super) fn theme_name(&self, theme: &Theme) -> &'static str {
        match theme {
            Theme::Auto => self.t.theme_auto,
            Theme::Light => self.t.theme_light,
            Theme::Dark => self.t.theme_dark,
        }
    }

    /// `text` with `value` in the place of `{}`.
    pub(super) fn fill(&self, text: impl AsRef<str>, value: impl ToString) -> String {
        text.as_ref().replacen("{}", &value.to_string(), 1)
    }

    pub(super) fn count(&self, number: &(impl Copy + TryInto<u64>)) -> String {
        format::count((*number).try_into().unwrap_or_default())
    }

    pub(super) fn short(&self, number: &u64) -> String {
        format::short(*number)
    }

    pub(super) fn sum(&self, one: &u64, other: &u64) -> String {
        format::short(one.saturating_add(*other))
    }

    pub(super) fn percent(&self, share: &Option<f64>) -> String {
        share.map_or_else(|| format::NOTHING.to_owned(), format::percent)
    }

    pub(super) fn milliseconds(&self, milliseconds: &(impl Copy + Into<u64>)) -> String {
        format::took(Duration::from_millis((*milliseconds).into()))
    }

    pub(super) fn took(&self, duration: &Duration) -> String {
        format::took(*duration)
    }

    /// Of a figure that may not be known.
    pub(super) fn took_maybe(&self, duration: &Option<Duration>) -> String {
        duration.map_or_else(|| format::NOTHING.to_owned(), format::took)
    }

    /// Milliseconds with their fraction, which may not be known.
    pub(super) fn latency(&self, milliseconds: &Option<f64>) -> String {
        milliseconds.map_or_else(|| format::NOTHING.to_owned(), |time| format::took(Duration::from_secs_f64(time.max(0.0) / 1000.0)))
    }

    pub(super) fn usd(&self, amount: &f64) -> String {
        format::usd(*amount)
    }

    pub(super) fn bytes(&self, number: &u64) -> String {
        format::bytes(*number)
    }

    pub(super) fn span(&self, seconds: &u64) -> String {
        format::span(*seconds, self.t)
    }

    pub(super) fn left(&self, seconds: &f64) -> String {
        format::span(seconds.ceil() as u64, self.t)
    }

    pub(super) fn instant(&self, at: &SystemTime) -> String {
        format::instant(*at)
    }

    pub(super) fn moment(&self, at: &SystemTime) -> String {
        format::moment(*at, self.clock)
    }

    /// A sentence of the engine's, in the reader's language where that is known.
    pub(super) fn phrase(&self, said: &str) -> String {
        self.language.phrase(said)
    }

    /// Where tokens come from.
    pub(super) fn provenance(&self, provenance: &Provenance) -> &'static str {
        match provenance {
            Provenance::Reported => self.t.reported,
            Provenance::Estimated => self.t.estimated,
            Provenance::Partial => self.t.partial,
        }
    }

    /// A state's word in the reader's language.
    pub(super) fn word<'w>(&self, word: &'w str) -> &'w str {
        self.t.of_word(word)
    }
}

/// As the configuration has it; a proxy may have another name for it.
fn endpoint(visit: &Visit) -> String {
    let server = &visit.snapshot.config.server;
    let scheme = if server.tls.is_some() { "https" } else { "http" };
    let host = if matches!(server.host.as_str(), "0.0.0.0" | "::" | "") { "localhost" } else { &server.host };
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    format!("{scheme}://{host}:{}/v1/chat/completions", server.port)
}

/// What has just been done, or why it was not.
pub(super) struct Notice {
    /// `ok` or `bad`.
    pub tone: &'static str,
    pub text: String,
    /// What the engine says of it.
    pub details: Vec<String>,
}

impl Notice {
    pub(super) fn ok(text: String) -> Notice {
        Notice { tone: "ok", text, details: Vec::new() }
    }

    pub(super) fn bad(text: String) -> Notice {
        Notice { tone: "bad", text, details: Vec::new() }
    }
}

/// `data` for a script.
pub(super) fn json(data: &impl Serialize) -> Result<Response, Error> {
    Ok(Json(data).into_response())
}

/// A name as one segment of a path.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// A page, made.
pub(super) fn render(page: &impl Template) -> Result<Response, Error> {
    respond(StatusCode::OK, page)
}

/// The same with another status than 200.
pub(super) fn respond(status: StatusCode, page: &impl Template) -> Result<Response, Error> {
    let html = page.render().map_err(Error::internal)?;
    Ok((status, [(CONTENT_TYPE, "text/html; charset=utf-8")], Body::from(html)).into_response())
}

/// On to another page, named from the dashboard's root.
pub(super) fn go_to(visit: &Visit, place: &str) -> Result<Response, Error> {
    let target = HeaderValue::try_from(format!("{}{place}", visit.root)).map_err(Error::internal)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response())
}
