//! Measures llmgw beside nginx and other gateways; README.md says what each subcommand measures and how to read it.

mod instructions;
mod ledger;
mod load;
mod measure;
mod oneshot;
mod process;
mod relay;
mod report;
mod run;
mod scale;
mod scenario;
mod statistics;
mod target;
mod translated;
mod upstream;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures llmgw beside nginx and other gateways, on loopback")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Throughput, latency, CPU and memory, beside nginx, in interleaved rounds
    Run(run::Args),
    /// Thousands of open streams, models, keys and providers; a 20 MB body
    Scale(scale::Args),
    /// Instructions per request of each kind, under callgrind
    Instructions(instructions::Args),
    /// An Anthropic client beside an OpenAI one, before the same upstream
    Translated(translated::Args),
    /// Start and one-shot commands, beside curl and other clients
    Oneshot(oneshot::Args),
    /// A ledger of ten million requests: how fast it is read
    Ledger(ledger::Args),
    /// The mock upstream alone
    Upstream(upstream::Args),
    /// A bare relay: the floor of hyper's stack
    Relay(relay::Args),
}

fn main() -> anyhow::Result<()> {
    raise_open_files();
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Scale(args) => scale::run(&args),
        Command::Instructions(args) => instructions::run(&args),
        Command::Translated(args) => translated::run(&args),
        Command::Oneshot(args) => oneshot::run(&args),
        Command::Ledger(args) => ledger::run(&args),
        Command::Upstream(args) => upstream::run(&args),
        Command::Relay(args) => relay::run(&args),
    }
}

/// Children inherit it. A refusal is no mistake: the load that needs more files will say so.
fn raise_open_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
