//! What llmgw's log says, line by line, as data.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::server::soon;

/// The lines of this thread, since they were last taken.
#[derive(Clone, Default)]
pub struct Log(Arc<Inner>);

#[derive(Default)]
struct Inner {
    lines: Mutex<Vec<Line>>,
    written: Notify,
}

/// One line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub message: String,
    fields: HashMap<&'static str, String>,
}

impl Line {
    /// A field's text; empty where there is none.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl Log {
    /// Captures what is logged on this thread until the guard is dropped.
    pub fn capture() -> (Log, DefaultGuard) {
        let log = Log::default();
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
        (log, guard)
    }

    /// Forgets what was said so far.
    pub fn forget(&self) {
        self.0.lines.lock().expect("no panic").clear();
    }

    /// All lines of one request, to its last.
    pub async fn of_request(&self) -> Vec<Line> {
        let finished = async {
            loop {
                let written = self.0.written.notified();
                if let Some(lines) = self.take_finished() {
                    return lines;
                }
                written.await;
            }
        };
        soon("the request's last line", finished).await
    }
}

impl Log {
    fn take_finished(&self) -> Option<Vec<Line>> {
        let mut lines = self.0.lines.lock().expect("no panic");
        lines.iter().any(|line| line.message == "finished").then(|| std::mem::take(&mut *lines))
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("llmgw") {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lines.lock().expect("no panic").push(line);
        self.0.written.notify_one();
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            name => {
                self.fields.insert(name, text);
            }
        }
    }
}
