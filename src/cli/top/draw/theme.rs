//! Colours, where there may be any, and what does without them.

use ratatui::style::{Color, Modifier, Style};

use crate::cli::recorded;
use crate::cli::table::Tone;
use crate::cli::top::figures::{Ended, Provider};

/// How things are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// With colours.
    pub coloured: bool,
}

impl Theme {
    fn colour(self, colour: Color) -> Style {
        if self.coloured { Style::new().fg(colour) } else { Style::new() }
    }

    /// What works.
    pub fn good(self) -> Style {
        self.colour(Color::Green)
    }

    /// What does not.
    pub fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What may not for long.
    pub fn doubtful(self) -> Style {
        self.colour(Color::Yellow)
    }

    /// What is beside the point: names of figures, hints.
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What is to be seen first.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The row that is chosen.
    pub fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The edge of the pane where keys go.
    pub fn focused(self) -> Style {
        self.colour(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// How a provider is.
    pub fn of_provider(self, provider: &Provider) -> Style {
        match provider.state.as_str() {
            "closed" => self.good(),
            "cooling" => self.bad(),
            "probing" => self.doubtful(),
            _ => self.faint(),
        }
    }

    /// How the whole gateway is.
    pub fn of_health(self, health: &str) -> Style {
        match health {
            "healthy" => self.good(),
            "degraded" => self.doubtful(),
            "unhealthy" => self.bad(),
            _ => self.faint(),
        }
    }

    /// How a request ended.
    pub fn of_request(self, ended: &Ended) -> Style {
        match ended.outcome().map(recorded::tone) {
            Some(Tone::Good) => self.good(),
            Some(Tone::Bad) => self.bad(),
            Some(Tone::Faint) => self.faint(),
            Some(Tone::Plain) | None => Style::new(),
        }
    }
}
