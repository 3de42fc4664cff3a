//! The terminal: taken over whole, and given back as it was, however the program ends.

use std::io::{self, Stdout, stdout};
use std::panic;
use std::sync::Once;
use std::thread;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::{Frame, Terminal};
use tokio::sync::mpsc::{Receiver, channel};

/// Keys that were pressed and not answered yet.
const QUEUE: usize = 64;

/// A terminal that is drawn on. Dropping it gives the terminal back.
pub struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    /// Takes the terminal over.
    pub fn open() -> io::Result<Screen> {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let told = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                // What is told on a screen that goes away, nobody reads.
                restore();
                told(panic);
            }));
        });
        // From here on, whatever fails drops it.
        let screen = Screen(Terminal::new(CrosstermBackend::new(stdout()))?);
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Shows what `draw` draws.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    // Nobody is left to be told that it failed.
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// Keys, and changes of the terminal's size; ends with the terminal.
pub fn events() -> Receiver<Event> {
    let (tell, told) = channel(QUEUE);
    // Reading blocks. The thread ends with the process, or with the next key after nobody listens.
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            if tell.blocking_send(event).is_err() {
                return;
            }
        }
    });
    told
}

/// The wish of others that the program ends; Ctrl-C is a key here.
pub struct Ended(#[cfg(unix)] [tokio::signal::unix::Signal; 2]);

/// From now on.
pub fn ended() -> io::Result<Ended> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Ended([signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }
    #[cfg(not(unix))]
    Ok(Ended())
}

impl Ended {
    /// Waits for it.
    pub async fn recv(&mut self) {
        #[cfg(unix)]
        {
            let [terminate, hangup] = &mut self.0;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        }
        #[cfg(not(unix))]
        std::future::pending().await
    }
}
