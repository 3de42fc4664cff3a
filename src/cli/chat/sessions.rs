//! What can be done with kept conversations but going on with them: list, show, delete. Asks nobody.

use serde_json::json;

use crate::cli::chat::conversation::Conversation;
use crate::cli::chat::screen::Screen;
use crate::cli::chat::session::{Sessions, Summary};
use crate::cli::chat::{Args, Format};
use crate::cli::context::Context;
use crate::cli::failure::Exit;
use crate::cli::output::Printer;
use crate::cli::table::{Table, Tone};
use crate::cli::visible::visible;

/// Of the question that a session began with, a list shows so much.
const SHOWN: usize = 40;

/// Does what the flags ask for; `None`: none of them was given.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Option<Exit>> {
    let sessions = || Sessions::of(&context.environment);
    let printer = &context.printer;
    if args.list_sessions {
        list(&sessions()?.list()?, args.format, printer)?;
    } else if let Some(name) = &args.show_session {
        show(&sessions()?.find(name)?.conversation, args, printer)?;
    } else if let Some(name) = &args.delete_session {
        sessions()?.delete(name)?;
        printer.notice(&format!("deleted the session `{name}`"));
    } else {
        return Ok(None);
    }
    Ok(Some(Exit::Done))
}

fn list(summaries: &[Summary], format: Format, printer: &Printer) -> anyhow::Result<()> {
    match format {
        Format::Json => printer.line(&serde_json::to_string_pretty(summaries)?)?,
        Format::Jsonl => summaries.iter().try_for_each(|summary| printer.line(&json!(summary).to_string()))?,
        Format::Text if summaries.is_empty() => printer.notice("no sessions are kept; `--session NAME` begins one"),
        Format::Text => {
            let mut table = Table::new(["NAME", "TURNS", "MODEL", "LAST", "BEGINS WITH"], printer.terminal());
            for summary in summaries {
                let first: String = summary.first.chars().take(SHOWN).collect();
                let cells = [&summary.name, &summary.turns.to_string(), summary.model.as_deref().unwrap_or("-"), &summary.modified, &first];
                table.row(cells.map(|cell| visible(cell).into_owned()), Tone::Plain);
            }
            printer.line(&table.to_string())?;
        }
    }
    Ok(())
}

fn show(conversation: &Conversation, args: &Args, printer: &Printer) -> anyhow::Result<()> {
    match args.format {
        Format::Json => {
            printer.line(&serde_json::to_string_pretty(&json!({ "system": conversation.system, "turns": conversation.turns }))?)?
        }
        Format::Jsonl => conversation.turns.iter().try_for_each(|turn| printer.line(&json!(turn).to_string()))?,
        Format::Text => {
            let document = conversation.document();
            let mut screen = Screen::of(printer, args.look());
            printer.print(&screen.show(&document))?;
            printer.print(&screen.rest())?;
        }
    }
    Ok(())
}
