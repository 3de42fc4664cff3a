//! Files at an address: only with consent, bounded in size and time, no redirects.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, LOCATION, USER_AGENT};
use tokio::io::AsyncReadExt;
use url::Url;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output::Printer;
use crate::config::proxy::{from_environment, without_secrets};
use crate::transport::control::Control;

/// Who does not take a connection by then is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// For the whole file.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A terminal's line that is longer is no answer.
const LONGEST_WORD: usize = 4096;

/// Some servers answer only to who has a name.
const NAME: &str = concat!("llmgw/", env!("CARGO_PKG_VERSION"));

/// Asks whether `addresses` may be fetched; who cannot be asked has not consented. A line is read, no key: whatever reads
/// keys would have to be waited for when Ctrl-C comes.
pub async fn ask_for_consent(addresses: &[String], printer: &Printer) -> Result<(), Failure> {
    let list = addresses.join(", ");
    if !printer.terminal().stdin || !printer.terminal().stderr {
        return Err(Failure::usage(format!("nobody is here to be asked whether to fetch {list}")).hint("`--yes` fetches it unasked"));
    }
    printer.say_plain(&format!("Fetch {list}, and send it to the model? [y/N] "));
    let mut line = [0; LONGEST_WORD];
    let length = tokio::io::stdin().read(&mut line).await.unwrap_or(0);
    let word = String::from_utf8_lossy(&line[..length]).trim().to_lowercase();
    // Enter has ended the line on the screen; the end of stdin has not.
    printer.answered(line[..length].ends_with(b"\n"));
    match word.as_str() {
        "y" | "yes" | "是" => Ok(()),
        _ => Err(Failure::usage("nothing was fetched, and nothing sent").hint("leave the address out, or answer `y`")),
    }
}

/// What is at `url`.
pub async fn fetch(url: &Url, context: &Context) -> Result<Vec<u8>, Failure> {
    let shown = without_secrets(url);
    let failed = |reason: String| Failure::failed(format!("cannot fetch {shown}: {reason}"));
    let control = Control::through(from_environment(&context.environment), CONNECT, false);
    let mut address = url.clone();
    address.set_fragment(None);
    let request = Request::get(address.as_str()).header(ACCEPT, "*/*").header(USER_AGENT, NAME).body(Bytes::new());
    let request = request.map_err(|error| failed(error.to_string()))?;
    let _spinner = context.printer.spinner(&format!("fetching {shown}"));
    let response = control.send(request, TIMEOUT).await.map_err(|error| failed(error.to_string()).hint("nothing was sent; download it"))?;
    let status = response.status();
    if status.is_redirection() {
        let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok()).and_then(|target| url.join(target).ok());
        let target = target.map_or_else(|| "elsewhere".to_owned(), |target| format!("to {}", without_secrets(&target)));
        return Err(failed(format!("it redirects {target}")).hint("nothing was sent; attach that address instead"));
    }
    if !status.is_success() {
        return Err(failed(format!("the server answers {status}")).hint("nothing was sent; check the address"));
    }
    Ok(response.into_body().into())
}
