//! `llmgw top`: a running gateway, live on the whole screen; what an operator does to its providers, by a key.
//!
//! [`link`] asks the gateway and follows it, [`state`] is what is known and what a key does to it, [`draw`] makes a picture
//! of that, [`screen`] has the terminal, [`once`] is the same for scripts. Figures are the gateway's own; none is worked out
//! here.

mod draw;
mod figures;
mod link;
mod once;
mod screen;
mod state;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use ratatui::crossterm::event::Event;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::remote::{Administered, Remote};
use crate::cli::top::draw::theme::Theme;
use crate::cli::top::screen::Screen;
use crate::cli::top::state::{Deed, News, State};

const EXAMPLES: &str = "\
Examples:
  llmgw top                               the gateway that this configuration describes
  llmgw top --url https://gw.example --key \"$ADMIN_KEY\"
  llmgw top --once                        how it is now, as text
  llmgw top --once --format json | jq .recent.today.cost

Keys: j k and arrows choose, Enter shows all of it, Tab goes on to the next pane;
d drains a provider, r resumes it, c ends its cooldown, t tests it; ? help, q ends.";

/// At most so many pictures a second of what happens; a key is answered at once.
const FRAME: Duration = Duration::from_millis(100);

/// Ages are written anew.
const TICK: Duration = Duration::from_secs(1);

/// What was told and not looked at yet. Whoever tells more waits.
const QUEUE: usize = 256;

/// Flags of `llmgw top`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which gateway.
    #[command(flatten)]
    pub gateway: Administered,
    /// Print how it is now, and end: for scripts, and where there is no terminal
    #[arg(long)]
    pub once: bool,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text", requires = "once")]
    pub format: Format,
}

/// How a gateway's state is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// An object, with what the gateway answered
    Json,
}

/// Runs `llmgw top`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let terminal = context.printer.terminal();
    let is_dumb = context.environment.get("TERM") == Some("dumb");
    if !args.once && (!terminal.stdout || is_dumb) {
        return Err(Failure::usage("there is no terminal to draw on").hint("`llmgw top --once` prints how the gateway is now").into());
    }
    let config = args.gateway.config(context)?;
    let remote = args.gateway.find(config.as_ref())?;
    if args.once {
        return once::print(&remote, args.format, &context.printer).await;
    }
    // Whoever cannot be reached, or refuses, is told in the shell, not on a screen that is gone with the message.
    let status = link::understood(link::status(&remote).await?)?;
    watch(Arc::new(remote), News::Status(Box::new(status)), Theme { coloured: terminal.stdout_colour }).await
}

/// Shows what is told, until a key or a signal ends it.
async fn watch(remote: Arc<Remote>, first: News, theme: Theme) -> anyhow::Result<Exit> {
    let mut state = State::new(remote.to_string(), SystemTime::now());
    state.hear(first);
    let mut screen = Screen::open()?;
    let mut keys = screen::events();
    let (tell, mut told) = mpsc::channel(QUEUE);
    let mut tasks = JoinSet::new();
    link::start(&mut tasks, &remote, &tell);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ended = screen::ended()?;
    loop {
        state.now = SystemTime::now();
        screen.draw(|frame| draw::draw(&state, theme, frame))?;
        let next_frame = Instant::now() + FRAME;
        let news = async {
            sleep_until(next_frame).await;
            told.recv().await
        };
        tokio::select! {
            event = keys.recv() => match event {
                Some(Event::Key(key)) if key.is_press() => match state.press(key) {
                    Some(Deed::End(exit)) => return Ok(exit),
                    Some(Deed::Act(action, provider)) => link::act(&mut tasks, &remote, &tell, action, provider),
                    None => {}
                },
                Some(_) => {}
                // The terminal is gone.
                None => return Ok(Exit::Done),
            },
            Some(news) = news => {
                state.hear(news);
                while let Ok(more) = told.try_recv() {
                    state.hear(more);
                }
            }
            _ = tick.tick() => {}
            () = ended.recv() => return Ok(Exit::Interrupted),
            // A task that panicked has given the terminal back; nobody goes on without it.
            Some(Err(failed)) = tasks.join_next() => return Err(failed.into()),
        }
    }
}
