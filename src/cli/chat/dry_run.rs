//! `--dry-run`: who would be asked, and with which bytes.

use serde_json::{Value, json};

use crate::cli::chat::Format;
use crate::cli::chat::gateway::{CHAT, Gateway, failure};
use crate::cli::chat::setup::Setup;
use crate::cli::context::Context;
use crate::cli::explain::{shown, without_state};
use crate::cli::output::Printer;
use crate::cli::remote::Remote;
use crate::engine::draft::{Draft, DraftRequest};
use crate::hub::Endpoint;

/// As much of a file's base64 is shown to people.
const EXCERPT: usize = 40;

/// Shows what `body` comes to, and sends nothing.
pub async fn run(setup: &Setup, body: &Value, format: Format, context: &Context) -> anyhow::Result<()> {
    let draft = match &setup.gateway {
        Gateway::Here(here) => {
            let job = here.engine().job(Endpoint::ChatCompletions, body.to_string());
            let drafted = here.engine().draft(&job).await;
            let Draft { plan, request } = drafted.map_err(|error| failure(error, setup.settings.is_named))?;
            Draft { plan: without_state(plan), request }
        }
        Gateway::There(remote) => return show_there(remote, body, format, &context.printer),
    };
    if format != Format::Text {
        return Ok(context.printer.line(&serde_json::to_string_pretty(&draft)?)?);
    }
    let Draft { plan, request } = draft;
    context.printer.print(&format!("{}\n{}", shown(&plan, context.printer.terminal()), in_text(&request)))?;
    if !request.dropped.is_empty() {
        context.printer.notice(&format!("{} has no words for: {}", request.provider, request.dropped.join(", ")));
    }
    context.printer.notice("nothing was sent; the provider's credentials are added only when it is");
    Ok(())
}

fn show_there(remote: &Remote, body: &Value, format: Format, printer: &Printer) -> anyhow::Result<()> {
    let key = remote.key().map(|key| ("authorization".to_owned(), format!("Bearer {key}")));
    let request = DraftRequest {
        provider: String::new(),
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        method: "POST".to_owned(),
        url: remote.address_of(CHAT),
        headers: key.into_iter().chain([("content-type".to_owned(), "application/json".to_owned())]).collect(),
        body: body.to_string(),
        dropped: Vec::new(),
    };
    if format != Format::Text {
        return Ok(printer.line(&serde_json::to_string_pretty(&json!({ "plan": null, "request": request }))?)?);
    }
    printer.print(&in_text(&request))?;
    printer.notice("nothing was sent; `llmgw explain --url` asks that gateway for its plan");
    Ok(())
}

/// As HTTP would have it, with the body laid out, and files cut short.
fn in_text(request: &DraftRequest) -> String {
    let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let body = match serde_json::from_str::<Value>(&request.body) {
        Ok(mut body) => {
            shorten(&mut body);
            serde_json::to_string_pretty(&body).unwrap_or_default()
        }
        Err(_) => request.body.clone(),
    };
    format!("{} {}\n{headers}\n{body}\n", request.method, request.url)
}

/// Cuts what is nothing but base64: nobody reads it.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if is_base64(text) => {
            *text = format!("{}… ({} bytes)", &text[..text.find(',').map_or(0, |comma| comma + 1) + EXCERPT], text.len());
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// A data URL, or the data alone as other dialects have it; long enough to be in the way.
fn is_base64(text: &str) -> bool {
    let data = match text.starts_with("data:") {
        true => text.split_once(";base64,").map_or("", |(_, data)| data),
        false => text,
    };
    data.len() > 10 * EXCERPT && crate::dialects::data_url::is_base64(data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shorten;

    #[test]
    fn files_are_cut_and_texts_are_not() {
        let data = "QUJD".repeat(200);
        let mut body = json!({ "url": format!("data:image/png;base64,{data}"), "data": data, "text": "你好 ".repeat(500) });
        shorten(&mut body);
        assert_eq!(body["url"], format!("data:image/png;base64,{}… (822 bytes)", "QUJD".repeat(10)));
        assert_eq!(body["data"], format!("{}… (800 bytes)", "QUJD".repeat(10)));
        assert_eq!(body["text"].as_str().unwrap().len(), "你好 ".len() * 500);
    }
}
