//! Results of a test as a table, as JUnit XML and in one sentence.

use std::fmt::Write;

use crate::cli::output::Terminal;
use crate::cli::table::{Table, Tone};
use crate::engine::ProbeResult;

/// Characters of an answer that a table shows.
const EXCERPT: usize = 40;

/// For people. `streamed`: with the time until the first token.
pub fn table(results: &[ProbeResult], streamed: bool, terminal: &Terminal) -> String {
    let mut headers = vec!["MODEL", "PROVIDER", "UPSTREAM MODEL", "RESULT", "LATENCY", "FIRST TOKEN", "ANSWER OR ERROR"];
    if !streamed {
        headers.remove(5);
    }
    let mut table = Table::new(headers, terminal);
    for result in results {
        let (word, tone) = verdict(result);
        let asked = result.skipped.is_none();
        let latency = if asked { milliseconds(result.latency_ms) } else { String::new() };
        let mut cells =
            vec![result.model.clone(), result.provider.clone(), result.upstream_model.clone(), word.to_owned(), latency, detail(result)];
        if streamed {
            cells.insert(5, result.first_token_ms.map_or_else(String::new, milliseconds));
        }
        table.row(cells, tone);
    }
    format!("{table}\n")
}

/// For CI: one test suite, one case a route.
pub fn junit(results: &[ProbeResult]) -> String {
    let failed = results.iter().filter(|result| !result.ok).count();
    let skipped = results.iter().filter(|result| result.skipped.is_some()).count();
    let counts = format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\"", results.len());
    let time = seconds(results.iter().map(|result| result.latency_ms).sum());
    let cases: String = results.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts} time=\"{time}\">\n  \
         <testsuite name=\"llmgw test\" {counts} time=\"{time}\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// `3 ok, 1 failed, 1 skipped`
pub fn summary(results: &[ProbeResult]) -> String {
    let count = |word: &str| results.iter().filter(|result| verdict(result).0 == word).count();
    let mut text = format!("{} ok", count("ok"));
    for word in ["failed", "skipped"] {
        let number = count(word);
        if number > 0 {
            let _ = write!(text, ", {number} {word}");
        }
    }
    text
}

fn verdict(result: &ProbeResult) -> (&'static str, Tone) {
    match (&result.skipped, result.ok) {
        (Some(_), _) => ("skipped", Tone::Faint),
        (None, true) => ("ok", Tone::Good),
        (None, false) => ("failed", Tone::Bad),
    }
}

fn detail(result: &ProbeResult) -> String {
    if let Some(reason) = result.error.as_ref().or(result.skipped.as_ref()) {
        return reason.clone();
    }
    let reply = result.reply.as_deref().unwrap_or_default().trim();
    let mut excerpt: String = reply.chars().take(EXCERPT).collect();
    if excerpt.len() < reply.len() {
        excerpt.push('…');
    }
    excerpt
}

fn case(result: &ProbeResult) -> String {
    let name = if result.model == result.upstream_model {
        result.model.clone()
    } else {
        format!("{} → {}", result.model, result.upstream_model)
    };
    let mut text = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escaped(&result.provider),
        escaped(&name),
        seconds(result.latency_ms)
    );
    let inner = match (&result.skipped, &result.error) {
        (Some(reason), _) => format!("      <skipped message=\"{}\"/>\n", escaped(reason)),
        (None, error) if !result.ok => format!("      <failure message=\"{}\"/>\n", escaped(error.as_deref().unwrap_or("failed"))),
        _ => String::new(),
    };
    if inner.is_empty() {
        text.push_str("/>\n");
    } else {
        let _ = writeln!(text, ">\n{inner}    </testcase>");
    }
    text
}

fn milliseconds(number: u64) -> String {
    format!("{number} ms")
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// For an attribute's value in XML 1.0, which has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(safe, "&#{};", u32::from(character));
            }
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{escaped, junit, summary, table};
    use crate::cli::output::Terminal;
    use crate::engine::ProbeResult;

    fn results() -> [ProbeResult; 3] {
        let result = ProbeResult {
            model: "gpt-4".to_owned(),
            provider: "openai".to_owned(),
            upstream_model: "gpt-4o".to_owned(),
            ok: true,
            skipped: None,
            latency_ms: 1234,
            first_token_ms: Some(200),
            reply: Some("你好！".to_owned()),
            error: None,
        };
        let failed = ProbeResult { ok: false, reply: None, error: Some("401: \"bad\" key\n<b> & co".to_owned()), ..result.clone() };
        let skipped = ProbeResult { skipped: Some("image model".to_owned()), reply: None, latency_ms: 0, ..result.clone() };
        [result, failed, skipped]
    }

    #[test]
    fn junit_is_well_formed_whatever_the_error_says() {
        let text = junit(&results());
        assert!(text.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{text}");
        assert!(text.contains("<failure message=\"401: &quot;bad&quot; key&#10;&lt;b&gt; &amp; co\"/>"), "{text}");
        assert!(text.contains("<testcase classname=\"openai\" name=\"gpt-4 → gpt-4o\" time=\"1.234\"/>"), "{text}");
        assert!(text.contains("<skipped message=\"image model\"/>"), "{text}");
        assert_eq!(escaped("\x1b[31m\0'"), "\u{fffd}[31m\u{fffd}'");
    }

    #[test]
    fn a_table_has_one_line_a_route() {
        let text = table(&results(), true, &Terminal::default());
        assert_eq!(text.lines().count(), 7);
        assert!(text.contains("FIRST TOKEN") && text.contains("200 ms") && text.contains("你好！"), "{text}");
        assert!(!table(&results(), false, &Terminal::default()).contains("FIRST TOKEN"));
        assert_eq!(summary(&results()), "1 ok, 1 failed, 1 skipped");
    }
}
