//! What the commands share: the surroundings, the configuration, the engine. The one seam to the lower rooms.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cli::args::Globals;
use crate::cli::failure::Failure;
use crate::cli::output::Printer;
use crate::config::diagnostic::Diagnostic;
use crate::config::env::Env;
use crate::config::load::{self, Overrides};
use crate::config::{Config, Origin};
use crate::engine::Engine;
use crate::telemetry::logging::{LogError, LogHandle, LogOptions};

/// A local Ollama answers within a few milliseconds, or it is not there.
const OLLAMA_ANSWERS_WITHIN: Duration = Duration::from_millis(200);

/// Where Ollama listens unless told otherwise.
const OLLAMA: &str = "127.0.0.1:11434";

/// What every command is run with.
pub struct Context {
    /// Where it prints.
    pub printer: Printer,
    /// The flags that hold for every command.
    pub globals: Globals,
    /// Variables and directories.
    pub environment: Env,
}

/// A configuration that cannot be used; every mistake of it.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used")]
pub struct Rejected(pub Vec<Diagnostic>);

impl Context {
    /// The configuration, by itself: nothing is asked, warnings are shown.
    pub fn load(&self, overrides: &Overrides) -> Result<Config, Rejected> {
        let loaded = load::load(&self.environment, self.globals.config.as_deref(), overrides).map_err(Rejected)?;
        loaded.warnings.iter().for_each(|warning| self.printer.say_plain(&format!("{warning}\n")));
        Ok(loaded.config)
    }

    /// The configuration of a command that asks models: with a local Ollama, if nothing else is configured and it answers.
    /// Says where the configuration comes from, unless it is a file.
    pub async fn load_for_use(&self, overrides: &Overrides) -> Result<Config, Rejected> {
        let mut config = self.load(overrides)?;
        if config.origin == Origin::Mock && is_ollama_there(OLLAMA).await {
            config = load::from_environment(&self.environment, true, overrides);
        }
        self.tell_origin(&config.origin);
        Ok(config)
    }

    /// What `load` is called with when only the global flags count.
    pub fn overrides(&self) -> Overrides {
        Overrides { log_level: self.globals.log_level, ..Overrides::default() }
    }

    /// The engine on this configuration. Reloading it reads the configuration again, the same way.
    pub fn engine(&self, config: Config, overrides: Overrides) -> Result<Engine, Failure> {
        let (environment, flag) = (self.environment.clone(), self.globals.config.clone());
        let reread = move || load::load(&environment, flag.as_deref(), &overrides);
        Engine::start(config, Box::new(reread))
            .map_err(|error| Failure::usage(error).hint("`llmgw config check` checks the rest of the file"))
    }

    /// The engine for a command that asks models, with the global flags' overrides.
    pub async fn engine_for_use(&self) -> anyhow::Result<Engine> {
        let overrides = self.overrides();
        let config = self.load_for_use(&overrides).await?;
        // A one-shot command writes log lines only when they are asked for.
        if self.globals.log_level.is_some() {
            self.log(&config)?;
        }
        Ok(self.engine(config, overrides)?)
    }

    /// Starts logging as `config` says.
    pub fn log(&self, config: &Config) -> Result<LogHandle, LogError> {
        let handle = LogHandle::init(&LogOptions {
            level: config.logging.level,
            pinned: self.globals.log_level.is_some(),
            format: config.logging.format,
            ansi: self.printer.terminal().stderr_colour,
        })?;
        handle.set_secrets(config.secrets());
        Ok(handle)
    }

    fn tell_origin(&self, origin: &Origin) {
        match origin {
            Origin::File { .. } => {}
            Origin::Environment { found } => self
                .printer
                .notice(&format!("no configuration file; using {} (write llmgw.yaml to choose models and routes)", found.join(", "))),
            Origin::Mock => self.printer.notice(
                "no configuration file and no API key in the environment: the built-in mock answers. \
                 Set OPENAI_API_KEY, DEEPSEEK_API_KEY or another provider's, or write llmgw.yaml",
            ),
        }
    }
}

/// Whether something at `address` answers in HTTP, in time.
async fn is_ollama_there(address: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET /api/version HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        std::io::Result::Ok(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200"))
    };
    matches!(tokio::time::timeout(OLLAMA_ANSWERS_WITHIN, ask).await, Ok(Ok(true)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::is_ollama_there;

    #[tokio::test]
    async fn only_what_answers_in_http_is_an_ollama() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 256]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{}").await.unwrap();
        };
        let (there, ()) = tokio::join!(is_ollama_there(&address), server);
        assert!(there);
        drop(listener);
        assert!(!is_ollama_there(&address).await);
    }
}
