//! The flags that hold for every command.

use std::path::PathBuf;

use clap::{ColorChoice, ValueHint};

use crate::config::Level;

/// Flags that may stand before or after the command.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Use this configuration file
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Least severe log line that is written
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<Level>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}
