//! What is known of the gateway, and what a key does. Pure: no clock, no I/O.

use std::collections::VecDeque;
use std::time::SystemTime;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::cli::failure::Exit;
use crate::cli::top::figures::{Acted, Ended, Provider, Pulse, Status};
use crate::storage::ledger::{Recent, Sum};

/// Requests that are kept to be looked at.
const KEPT: usize = 500;

/// Rows that a page key goes on by.
const PAGE: isize = 10;

/// Something that was heard of the gateway.
pub enum News {
    /// How it is.
    Status(Box<Status>),
    /// It does not answer, or refuses; why.
    Lost(String),
    /// What changes from one second to the next.
    Pulse(Pulse),
    /// What was used of late, or why nobody knows.
    Recent(Box<Result<Option<Recent>, String>>),
    /// The last requests, the newest first.
    Latest(Vec<Ended>),
    /// One more.
    Ended(Box<Ended>),
    /// Some more, too fast to be told.
    Missed,
    /// Requests are not heard of any more; why.
    Unheard(String),
    /// What was done to a provider, and what came of it.
    Acted(Action, String, Result<Acted, String>),
}

/// What an operator does to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing new goes there.
    Drain,
    /// It is asked again.
    Resume,
    /// Its rest is over.
    Reset,
    /// Each of its routes is asked for real.
    Test,
}

/// What a key has to be followed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The end.
    End(Exit),
    /// This, to the provider of this name.
    Act(Action, String),
}

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// Each provider.
    Providers,
    /// What models and keys cost.
    Spend,
    /// Requests that have ended.
    Requests,
}

/// What lies over the panes.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// Nothing.
    Nothing,
    /// The keys.
    Help,
    /// Shall it be drained?
    Confirm(String),
    /// All that is known of what is chosen.
    Details,
    /// What a test of this provider came to.
    Tested(String, Acted),
}

/// A sentence at the foot of the screen, until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The sentence.
    pub text: String,
    /// Whether it is good news.
    pub ok: bool,
}

/// All of it.
pub struct State {
    /// Where the gateway is.
    pub address: String,
    /// Why it does not answer, if so. What is shown is old then.
    pub lost: Option<String>,
    /// How it is.
    pub status: Status,
    /// `healthy`, `degraded`, `unhealthy`; empty until it is heard.
    pub health: String,
    /// What was used of late; `None` while nothing is known. An error says why nothing will be.
    pub recent: Result<Option<Recent>, String>,
    /// Requests, the newest first.
    pub ended: VecDeque<Ended>,
    /// Requests were too fast to be told, so many times.
    pub missed: u64,
    /// Why requests are not heard of, if so.
    pub unheard: Option<String>,
    /// Where keys go.
    pub pane: Pane,
    /// The provider that is chosen, by its name: a reload may move it.
    chosen: Option<String>,
    /// The row of the other panes.
    spend_row: usize,
    ended_row: usize,
    /// What lies over the panes.
    pub over: Over,
    /// What was said last.
    pub said: Option<Said>,
    /// What time it is.
    pub now: SystemTime,
}

/// A row of [`Pane::Spend`]: a sum over the last minute, the last hour and today.
pub struct Spender<'a> {
    /// `all`, `model` or `key`.
    pub kind: &'static str,
    /// Which.
    pub name: &'a str,
    /// Dollars and answers without a price: in the last minute, in the last hour, today.
    pub cost: [(f64, u64); 3],
    /// Requests today.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Tokens today.
    pub input: u64,
    /// Tokens today.
    pub output: u64,
}

impl Action {
    /// As the gateway knows it.
    pub fn word(self) -> &'static str {
        match self {
            Action::Drain => "disable",
            Action::Resume => "enable",
            Action::Reset => "reset",
            Action::Test => "test",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Action::Drain => "is drained until the gateway's next start; r resumes it",
            Action::Resume => "takes requests again",
            Action::Reset => "has no cooldown any more",
            Action::Test => "was tested",
        }
    }

    fn begun(self) -> &'static str {
        match self {
            Action::Drain => "draining",
            Action::Resume => "resuming",
            Action::Reset => "ending the cooldown of",
            Action::Test => "asking every route of",
        }
    }
}

impl Pane {
    /// All of them, in order.
    pub const ALL: [Pane; 3] = [Pane::Providers, Pane::Spend, Pane::Requests];

    /// What stands over it.
    pub fn title(self) -> &'static str {
        match self {
            Pane::Providers => "Providers",
            Pane::Spend => "Spend",
            Pane::Requests => "Requests",
        }
    }

    fn moved(self, by: usize) -> Pane {
        let place = Pane::ALL.iter().position(|pane| *pane == self).unwrap_or_default();
        Pane::ALL[(place + by) % Pane::ALL.len()]
    }
}

impl State {
    /// Of a gateway that nothing is known of yet.
    pub fn new(address: String, now: SystemTime) -> State {
        State {
            address,
            lost: None,
            status: Status::default(),
            health: String::new(),
            recent: Ok(None),
            ended: VecDeque::new(),
            missed: 0,
            unheard: None,
            pane: Pane::Providers,
            chosen: None,
            spend_row: 0,
            ended_row: 0,
            over: Over::Nothing,
            said: None,
            now,
        }
    }

    /// Takes in what was heard.
    pub fn hear(&mut self, news: News) {
        match news {
            News::Status(status) => {
                self.lost = None;
                self.status = *status;
            }
            News::Lost(reason) => self.lost = Some(reason),
            News::Pulse(Pulse { health, in_flight }) => (self.health, self.status.in_flight) = (health, in_flight),
            News::Recent(recent) => self.hear_recent(*recent),
            News::Latest(latest) => {
                self.unheard = None;
                if !latest.is_empty() {
                    self.ended = latest.into();
                }
            }
            News::Ended(ended) => self.hear_ended(*ended),
            News::Missed => self.missed += 1,
            News::Unheard(reason) => self.unheard = Some(reason),
            News::Acted(action, provider, acted) => self.hear_acted(action, provider, acted),
        }
    }

    fn hear_recent(&mut self, recent: Result<Option<Recent>, String>) {
        // Whoever does not answer has not lost its figures.
        if recent.is_ok() || !matches!(self.recent, Ok(Some(_))) {
            self.recent = recent;
        }
    }

    fn hear_ended(&mut self, ended: Ended) {
        if self.ended.iter().take(KEPT / 4).any(|other| other.is_same(&ended)) {
            return;
        }
        self.ended.push_front(ended);
        self.ended.truncate(KEPT);
        // Who looks at an older one goes on looking at it.
        if self.ended_row > 0 || (self.over == Over::Details && self.pane == Pane::Requests) {
            self.ended_row = (self.ended_row + 1).min(self.ended.len() - 1);
        }
    }

    fn hear_acted(&mut self, action: Action, provider: String, acted: Result<Acted, String>) {
        self.said = Some(match &acted {
            Err(reason) => Said { text: format!("{provider}: {reason}"), ok: false },
            Ok(acted) if action == Action::Test => {
                let (asked, good) = (acted.results.len(), acted.results.iter().filter(|result| result.ok).count());
                Said { text: format!("{provider} was tested: {good} of {asked} ok"), ok: acted.ok }
            }
            Ok(_) => Said { text: format!("{provider} {}", action.done()), ok: true },
        });
        if let (Ok(acted), Action::Test, Over::Nothing) = (acted, action, &self.over) {
            self.over = Over::Tested(provider, acted);
        }
    }

    /// The provider that is chosen, and its row.
    pub fn provider(&self) -> Option<(usize, &Provider)> {
        let providers = &self.status.providers;
        let row = providers.iter().position(|provider| Some(&provider.name) == self.chosen.as_ref()).unwrap_or_default();
        providers.get(row).map(|provider| (row, provider))
    }

    /// The request that is chosen.
    pub fn request(&self) -> Option<&Ended> {
        self.ended.get(self.ended_row)
    }

    /// The row that is chosen in `pane`.
    pub fn row(&self, pane: Pane) -> usize {
        match pane {
            Pane::Providers => self.provider().map_or(0, |(row, _)| row),
            Pane::Spend => self.spend_row.min(self.rows(pane).saturating_sub(1)),
            Pane::Requests => self.ended_row,
        }
    }

    fn rows(&self, pane: Pane) -> usize {
        match pane {
            Pane::Providers => self.status.providers.len(),
            Pane::Spend => self.spenders().len(),
            Pane::Requests => self.ended.len(),
        }
    }

    /// Everything together, then each model and each key, by what they cost today.
    pub fn spenders(&self) -> Vec<Spender<'_>> {
        let Ok(Some(recent)) = &self.recent else { return Vec::new() };
        let spans = [&recent.minute, &recent.hour, &recent.today];
        let all = Spender {
            kind: "all",
            name: "",
            cost: spans.map(|span| (span.cost, span.unpriced)),
            requests: recent.today.requests,
            failed: recent.today.failed,
            input: recent.today.input,
            output: recent.today.output,
        };
        let models = spenders("model", spans.map(|span| &*span.models));
        let keys = spenders("key", spans.map(|span| &*span.keys));
        std::iter::once(all).chain(models).chain(keys).collect()
    }

    /// What this key does.
    pub fn press(&mut self, key: KeyEvent) -> Option<Deed> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return matches!(key.code, KeyCode::Char('c')).then_some(Deed::End(Exit::Interrupted));
        }
        self.said = None;
        match std::mem::replace(&mut self.over, Over::Nothing) {
            Over::Confirm(provider) => self.answer(provider, key.code),
            // Any key closes it; one that ends, ends.
            Over::Help | Over::Details | Over::Tested(..) if key.code != KeyCode::Char('q') => None,
            _ => self.command(key.code),
        }
    }

    fn answer(&mut self, provider: String, code: KeyCode) -> Option<Deed> {
        if matches!(code, KeyCode::Char('y' | 'Y')) {
            return Some(self.act(Action::Drain, provider));
        }
        self.said = Some(Said { text: format!("{provider} stays as it is"), ok: true });
        None
    }

    fn command(&mut self, code: KeyCode) -> Option<Deed> {
        match code {
            KeyCode::Char('q') => return Some(Deed::End(Exit::Done)),
            KeyCode::Char('?') | KeyCode::F(1) => self.over = Over::Help,
            KeyCode::Tab | KeyCode::Right => self.pane = self.pane.moved(1),
            KeyCode::BackTab | KeyCode::Left => self.pane = self.pane.moved(Pane::ALL.len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            KeyCode::PageDown => self.choose(PAGE),
            KeyCode::PageUp => self.choose(-PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.choose(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.choose(isize::MAX),
            KeyCode::Enter if self.rows(self.pane) > 0 && self.pane != Pane::Spend => self.over = Over::Details,
            KeyCode::Char('d') => return self.wish(Action::Drain),
            KeyCode::Char('r') => return self.wish(Action::Resume),
            KeyCode::Char('c') => return self.wish(Action::Reset),
            KeyCode::Char('t') => return self.wish(Action::Test),
            _ => {}
        }
        None
    }

    fn choose(&mut self, by: isize) {
        let (rows, row) = (self.rows(self.pane), self.row(self.pane));
        let row = row.saturating_add_signed(by).min(rows.saturating_sub(1));
        match self.pane {
            Pane::Providers => self.chosen = self.status.providers.get(row).map(|provider| provider.name.clone()),
            Pane::Spend => self.spend_row = row,
            Pane::Requests => self.ended_row = row,
        }
    }

    /// What a key wishes for the provider that is chosen, and seen to be.
    fn wish(&mut self, action: Action) -> Option<Deed> {
        if self.pane != Pane::Providers {
            self.said = Some(Said { text: "this is for a provider: Tab goes there".to_owned(), ok: false });
            return None;
        }
        let provider = self.provider()?.1;
        let (name, is_drained) = (provider.name.clone(), provider.disabled_by_operator);
        match action {
            Action::Drain if is_drained => self.said = Some(Said { text: format!("{name} is drained already; r resumes it"), ok: false }),
            // It moves everybody's requests elsewhere.
            Action::Drain => self.over = Over::Confirm(name),
            Action::Resume | Action::Reset | Action::Test => return Some(self.act(action, name)),
        }
        None
    }

    fn act(&mut self, action: Action, provider: String) -> Deed {
        self.said = Some(Said { text: format!("{} {provider} …", action.begun()), ok: true });
        Deed::Act(action, provider)
    }
}

/// Whoever has spent something today, with the same of the last hour and the last minute.
fn spenders<'a>(kind: &'static str, [minute, hour, today]: [&'a [Sum]; 3]) -> impl Iterator<Item = Spender<'a>> {
    today.iter().map(move |sum| {
        let within = |sums: &[Sum]| sums.iter().find(|other| other.name == sum.name).map_or((0.0, 0), |other| (other.cost, other.unpriced));
        Spender {
            kind,
            name: &sum.name,
            cost: [within(minute), within(hour), (sum.cost, sum.unpriced)],
            requests: sum.requests,
            failed: sum.failed,
            input: sum.input,
            output: sum.output,
        }
    })
}
