//! What holds for every question of one command line: who is asked, as whom, how, and what an answer must look like.

use serde_json::{Value, json};

use crate::cli::chat::attach::{self, Attachment};
use crate::cli::chat::gateway::Gateway;
use crate::cli::chat::render::{Answer, Said};
use crate::cli::chat::request::{Settings, message};
use crate::cli::chat::schema::Schema;
use crate::cli::chat::screen::Look;
use crate::cli::chat::{Args, Format, input, role};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::config::Role;
use crate::engine::Engine;

/// What holds for every question.
pub struct Setup {
    /// Who is asked.
    pub gateway: Gateway,
    /// What is asked for beside the messages.
    pub settings: Settings,
    /// The messages before the first question.
    pub beginning: Vec<Value>,
    role: Role,
    schema: Option<Schema>,
    look: Look,
}

impl Setup {
    /// What the flags come to, on the configuration that is in force.
    pub async fn open(args: &Args, context: &Context) -> anyhow::Result<Setup> {
        let schema = args.schema.as_deref().map(Schema::read).transpose()?;
        let gateway = Gateway::open(&args.target, context).await?;
        let snapshot = gateway.engine().map(Engine::snapshot);
        let role = match (&args.role, &snapshot) {
            (None, _) => Role::default(),
            (Some(name), Some(snapshot)) => role::find(name, &snapshot.config)?,
            (Some(name), None) => role::find(name, &context.load(&context.overrides())?.config)?,
        };
        let default_model = snapshot.map(|snapshot| snapshot.config.routing.default_model.to_string()).unwrap_or_default();
        let mut settings = role::settings(args, &role, &default_model);
        if gateway.engine().is_none() && settings.stream && args.wants_usage() && !settings.has("stream_options") {
            // The engine of this process counts by itself.
            settings.params.push(("stream_options".to_owned(), json!({ "include_usage": true })));
        }
        settings.params.extend(schema.as_ref().map(|schema| ("response_format".to_owned(), schema.response_format())));
        Ok(Setup { beginning: role::beginning(args, &role), gateway, settings, role, schema, look: args.look() })
    }

    /// The message that asks for `words`, as the role would have it, with `attachments`. `None`: there is nothing to ask.
    pub fn question(&self, words: Option<&str>, attachments: &[Attachment]) -> Option<Value> {
        let words = words.or((!attachments.is_empty()).then_some(""));
        let prompt = self.role.fill(words)?;
        Some(message("user", attach::content(&prompt, attachments)))
    }

    /// The request that asks `question` first.
    pub fn body(&self, question: Value) -> Value {
        let messages: Vec<Value> = self.beginning.iter().cloned().chain([question]).collect();
        self.settings.body(&messages)
    }

    /// Whether `answer` looks as it must.
    pub fn check(&self, answer: &str) -> Result<(), Failure> {
        self.schema.as_ref().map_or(Ok(()), |schema| schema.check(answer))
    }

    /// Asks, and prints the answer as it arrives, as `format` has it. `verbose`: with its account in a last line. Also hands
    /// out the request's id.
    pub async fn ask(&self, body: &Value, format: Format, verbose: bool, context: &Context) -> anyhow::Result<(Said, String)> {
        let spinner = context.printer.spinner("waiting for the first word");
        let reply = match self.gateway.ask(body, self.settings.is_named).await {
            Ok(reply) => reply,
            Err(error) => {
                spinner.finish_and_clear();
                return Err(error);
            }
        };
        let asked = &reply.asked;
        let account = |said: &Said| self.gateway.account(asked, said);
        let mut answer = Answer::new(&context.printer, spinner, format).looking(self.look).with_account(account);
        let said = answer.print(reply.status, &reply.headers, reply.body).await?;
        if let Some(account) = said.account.as_ref().filter(|_| verbose) {
            context.printer.aside(&account.to_string());
        }
        Ok((said, asked.id.clone()))
    }
}

/// What the user asks: the files, the words of the command line, what comes in by a pipe.
pub async fn asked(args: &Args, context: &Context) -> Result<(Option<String>, Vec<Attachment>), Failure> {
    let attachments = attach::read(&args.files, args.yes, context).await?;
    let words = match args.files.iter().any(|file| file == "-") {
        true => input::typed(&args.prompt),
        false => input::prompt(&args.prompt, tokio::io::stdin(), &context.printer).await?,
    };
    Ok((words, attachments))
}
