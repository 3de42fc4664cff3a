//! What is asked: the words of the command line, and what comes in by a pipe.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::cli::failure::Failure;
use crate::cli::output::Printer;

/// A pipe that was silent for so long may be one that nobody writes to.
const SILENCE: Duration = Duration::from_secs(1);

/// The prompt: `words`, then after a blank line what `stdin` holds, unless it is a terminal. `None`: neither says anything.
pub async fn prompt(words: &[String], stdin: impl AsyncRead + Unpin, printer: &Printer) -> Result<Option<String>, Failure> {
    let words = typed(words);
    if printer.terminal().stdin {
        return Ok(words);
    }
    let piped = text(bytes(stdin, printer).await?)?;
    let piped = Some(piped.trim_end_matches(['\n', '\r']).to_owned()).filter(|text| !text.trim().is_empty());
    Ok(match (words, piped) {
        (Some(words), Some(piped)) => Some(format!("{words}\n\n{piped}")),
        (words, piped) => words.or(piped),
    })
}

/// The words of the command line, if there are any.
pub fn typed(words: &[String]) -> Option<String> {
    Some(words.join(" ")).filter(|words| !words.trim().is_empty())
}

/// Nothing was asked.
pub fn missing(printer: &Printer) -> Failure {
    match printer.terminal().stdin {
        true => Failure::usage("no prompt was given").hint("`llmgw chat \"你是谁\"`, or pipe it in: `git diff | llmgw chat \"review\"`"),
        false => Failure::usage("no prompt was given, and standard input is empty").hint("`llmgw chat \"你是谁\"`"),
    }
}

/// All that `stdin` holds.
pub async fn bytes(mut stdin: impl AsyncRead + Unpin, printer: &Printer) -> Result<Vec<u8>, Failure> {
    let unreadable = |error| Failure::usage(format!("cannot read standard input: {error}"));
    let mut bytes = Vec::new();
    let mut first = [0; 8192];
    let begun = tokio::time::timeout(SILENCE, stdin.read(&mut first)).await;
    let length = match begun {
        Ok(length) => length,
        Err(_) => {
            printer.notice("waiting for standard input (Ctrl-D ends it; `< /dev/null` if there is none)");
            stdin.read(&mut first).await
        }
    }
    .map_err(unreadable)?;
    bytes.extend_from_slice(&first[..length]);
    if length > 0 {
        stdin.read_to_end(&mut bytes).await.map_err(unreadable)?;
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        Failure::usage(format!("standard input is not UTF-8 text (byte {position})"))
            .hint("convert it first, for example with `iconv -t utf-8`; an image or a PDF is attached with `-f -`")
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::{missing, prompt};
    use crate::cli::failure::Exit;
    use crate::cli::output::Terminal;
    use crate::cli::output::captured::printer;

    #[tokio::test]
    async fn what_is_piped_in_follows_the_words() {
        let (printer, _) = printer(Terminal::default());
        let asked = async |words: &str, piped: &'static str| prompt(&[words.to_owned()], piped.as_bytes(), &printer).await.unwrap();
        assert_eq!(asked("review this", "diff --git\n\n+x\n").await.as_deref(), Some("review this\n\ndiff --git\n\n+x"));
        assert_eq!(asked("", "你是谁\r\n").await.as_deref(), Some("你是谁"));
        assert_eq!(asked("hi", "\n").await.as_deref(), Some("hi"));
        assert_eq!(asked(" ", " \n").await, None);
        assert_eq!(missing(&printer).exit, Exit::Usage);
    }

    #[tokio::test]
    async fn a_terminal_is_not_read() {
        let (printer, _) = printer(Terminal { stdin: true, ..Terminal::default() });
        let words = ["你".to_owned(), "是谁".to_owned()];
        assert_eq!(prompt(&words, &b"ignored"[..], &printer).await.unwrap().as_deref(), Some("你 是谁"));
        assert_eq!(prompt(&[], &b"ignored"[..], &printer).await.unwrap(), None);
    }

    #[tokio::test]
    async fn other_encodings_are_refused_by_name() {
        let (printer, _) = printer(Terminal::default());
        let failure = prompt(&[], &b"abc\xff"[..], &printer).await.unwrap_err();
        assert_eq!(failure.message, "standard input is not UTF-8 text (byte 3)");
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_pipe_gets_a_notice_and_is_still_read() {
        let (printer, captured) = printer(Terminal::default());
        let (mut writer, reader) = tokio::io::duplex(64);
        let late = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            writer.write_all(b"late").await.unwrap();
            drop(writer);
        };
        let (prompt, ()) = tokio::join!(prompt(&[], reader, &printer), late);
        assert_eq!(prompt.unwrap().as_deref(), Some("late"));
        assert!(captured.stderr.text().starts_with("note: waiting for standard input"));
    }
}
