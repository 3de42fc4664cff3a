//! What the commands share: the surroundings, the configuration, the engine. The one seam to the lower rooms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::cli::failure::Failure;
use crate::cli::globals::Globals;
use crate::cli::output::Printer;
use crate::config::diagnostic::Diagnostic;
use crate::config::env::Env;
use crate::config::load::{self, Loaded, Overrides};
use crate::config::{Config, Origin};
use crate::engine::Engine;
use crate::telemetry::{LogError, LogHandle, LogOptions};
use crate::transport::control::Control;

/// A local Ollama answers within a few milliseconds, or it is not there.
const OLLAMA_ANSWERS_WITHIN: Duration = Duration::from_millis(200);

/// Name of its preset, and of the provider made from it.
const OLLAMA: &str = "ollama";

/// What every command is run with.
pub struct Context {
    /// Where it prints.
    pub printer: Printer,
    /// The flags that hold for every command.
    pub globals: Globals,
    /// Variables and directories.
    pub environment: Env,
    /// What Ctrl-C does.
    pub interrupts: Interrupts,
}

/// Ctrl-C, which ends the program unless a command has another use for it.
#[derive(Debug, Default)]
pub struct Interrupts(AtomicBool);

impl Interrupts {
    /// From now on the command minds them itself.
    pub fn take_over(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Comes back with the first one that shall end the program.
    pub async fn end_the_program(&self) {
        loop {
            if tokio::signal::ctrl_c().await.is_err() {
                // There is no such thing here.
                return std::future::pending().await;
            }
            if !self.0.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// A configuration that cannot be used; every mistake of it.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used")]
pub struct Rejected(pub Vec<Diagnostic>);

impl Context {
    /// The configuration, by itself: nothing is asked, warnings are shown.
    pub fn load(&self, overrides: &Overrides) -> Result<Loaded, Rejected> {
        let loaded = self.reader(overrides, false)().map_err(Rejected)?;
        loaded.warnings.iter().for_each(|warning| self.printer.diagnostic(&warning.to_string()));
        Ok(loaded)
    }

    /// The configuration of a command that asks models: without a file, with a local Ollama if one answers.
    /// Says where the configuration comes from, unless it is a file.
    pub async fn load_for_use(&self, overrides: &Overrides) -> Result<Loaded, Rejected> {
        let mut loaded = self.load(overrides)?;
        if !matches!(loaded.config.origin, Origin::File { .. }) {
            let with_ollama = self.reader(overrides, true)().map_err(Rejected)?;
            loaded = if is_ollama_there(&with_ollama.config).await { with_ollama } else { loaded };
        }
        self.tell_origin(&loaded.config.origin);
        Ok(loaded)
    }

    /// Whether a local Ollama answers; asks for 200 ms at most.
    pub async fn has_ollama(&self) -> bool {
        is_ollama_there(&load::from_environment(&self.environment, true)).await
    }

    /// What `load` is called with when only the global flags count.
    pub fn overrides(&self) -> Overrides {
        Overrides { log_level: self.globals.log_level, ..Overrides::default() }
    }

    /// The engine on this configuration. Reloading it reads the configuration again, the same way, and tells
    /// `on_load` what was read.
    pub fn engine(
        &self,
        config: Config,
        overrides: &Overrides,
        on_load: impl Fn(&Loaded) + Send + Sync + 'static,
    ) -> Result<Engine, Failure> {
        let with_ollama = matches!(config.origin, Origin::Environment { .. }) && config.providers.iter().any(|one| &*one.name == OLLAMA);
        let read = self.reader(overrides, with_ollama);
        let load = move || match read() {
            Ok(loaded) => {
                on_load(&loaded);
                Ok(loaded.config)
            }
            Err(diagnostics) => Err(diagnostics.iter().map(Diagnostic::to_string).collect()),
        };
        Engine::start(config, Box::new(load))
            .map_err(|error| Failure::usage(error).hint("`llmgw config check` checks the rest of the file"))
    }

    /// Reads the configuration whenever it is called. `with_ollama`: a local Ollama counts where there is no file.
    fn reader(&self, overrides: &Overrides, with_ollama: bool) -> impl Fn() -> Result<Loaded, Vec<Diagnostic>> + Send + Sync + 'static {
        let (environment, flag, overrides) = (self.environment.clone(), self.globals.config.clone(), overrides.clone());
        move || {
            let mut loaded = load::load(&environment, flag.as_deref(), &overrides)?;
            if with_ollama && !matches!(loaded.config.origin, Origin::File { .. }) {
                loaded.config = overrides.over(load::from_environment(&environment, true))?;
            }
            Ok(loaded)
        }
    }

    /// The engine for a command that asks models, with the global flags' overrides.
    pub async fn engine_for_use(&self) -> anyhow::Result<Engine> {
        let overrides = self.overrides();
        let config = self.load_for_use(&overrides).await?.config;
        // A one-shot command writes log lines only when they are asked for.
        if self.globals.log_level.is_some() {
            self.log(&config, false)?;
        }
        Ok(self.engine(config, &overrides, |_| {})?)
    }

    /// Starts logging as `config` says; `server`: see [`LogOptions::server`].
    pub fn log(&self, config: &Config, server: bool) -> Result<LogHandle, LogError> {
        let handle = LogHandle::init(&LogOptions {
            logging: config.logging.clone(),
            pinned: self.globals.log_level.is_some(),
            ansi: self.printer.terminal().stderr_colour,
            server,
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

/// Whether the Ollama of `config` lists its models, in time.
async fn is_ollama_there(config: &Config) -> bool {
    let Some(provider) = config.providers.iter().find(|provider| &*provider.name == OLLAMA) else { return false };
    let Ok(control) = Control::for_provider(provider) else { return false };
    let Ok(request) = Request::get(format!("{}/models", provider.base_url)).body(Bytes::new()) else { return false };
    control.send(request, OLLAMA_ANSWERS_WITHIN).await.is_ok_and(|response| response.status().is_success())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::is_ollama_there;
    use crate::config::env::Env;
    use crate::config::load::from_environment;

    #[tokio::test]
    async fn only_what_lists_its_models_is_an_ollama() {
        // Fails only when another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = from_environment(&Env::for_tests(&[], "."), true);
        config.providers[0].base_url.set_ip_host([127, 0, 0, 1].into()).unwrap();
        config.providers[0].base_url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 14];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            request
        };
        let (there, request) = tokio::join!(is_ollama_there(&config), server);
        assert!(there);
        assert_eq!(&request, b"GET /v1/models");
        drop(listener);
        assert!(!is_ollama_there(&config).await);
    }
}
