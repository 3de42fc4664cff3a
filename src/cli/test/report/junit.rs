//! Outcomes as JUnit XML: one test suite, one case a route, and one a capability that was tried.

use std::fmt::Write;

use crate::cli::test::outcome::{Finding, Outcome};

/// How a case ended.
enum Ended {
    Well,
    /// Well, and there is something to say about it.
    Saying(String),
    Failed(String),
    Skipped(String),
}

/// One case.
struct Case {
    class: String,
    name: String,
    milliseconds: u64,
    ended: Ended,
}

/// The whole document.
pub fn junit(outcomes: &[Outcome]) -> String {
    let cases: Vec<Case> = outcomes.iter().flat_map(cases).collect();
    let failed = cases.iter().filter(|case| matches!(case.ended, Ended::Failed(_))).count();
    let skipped = cases.iter().filter(|case| matches!(case.ended, Ended::Skipped(_))).count();
    let counts = format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\"", cases.len());
    let time = seconds(cases.iter().map(|case| case.milliseconds).sum());
    let cases: String = cases.iter().map(written).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts} time=\"{time}\">\n  \
         <testsuite name=\"llmgw test\" {counts} time=\"{time}\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// The route's own, and those of its capabilities.
fn cases(outcome: &Outcome) -> Vec<Case> {
    let result = &outcome.result;
    let ended = match (&result.skipped, &result.error, outcome.slower()) {
        (Some(reason), ..) => Ended::Skipped(reason.clone()),
        (None, error, _) if !result.ok => Ended::Failed(error.clone().unwrap_or_else(|| "failed".to_owned())),
        (None, _, Some(slower)) => Ended::Failed(slower.to_owned()),
        _ => Ended::Well,
    };
    let case = |name: String, milliseconds, ended| Case { class: result.provider.clone(), name, milliseconds, ended };
    let own = case(outcome.name(), result.latency_ms, ended);
    let tried = outcome.capabilities.iter().map(|finding| {
        let name = format!("{}: {}", outcome.name(), finding.capability.word());
        case(name, finding.latency_ms, of_finding(finding))
    });
    std::iter::once(own).chain(tried).collect()
}

fn of_finding(finding: &Finding) -> Ended {
    let reason = finding.error.as_deref().unwrap_or("failed");
    match (finding.claimed, finding.ok) {
        (true, true) => Ended::Well,
        (true, false) => Ended::Failed(reason.to_owned()),
        (false, true) => Ended::Saying("works, and nothing claims it".to_owned()),
        (false, false) => Ended::Skipped(format!("not claimed: {reason}")),
    }
}

fn written(case: &Case) -> String {
    let (class, name, time) = (escaped(&case.class), escaped(&case.name), seconds(case.milliseconds));
    let mut text = format!("    <testcase classname=\"{class}\" name=\"{name}\" time=\"{time}\"");
    let inner = match &case.ended {
        Ended::Well => return text + "/>\n",
        Ended::Saying(words) => format!("<system-out>{}</system-out>", escaped(words)),
        Ended::Failed(reason) => format!("<failure message=\"{}\"/>", escaped(reason)),
        Ended::Skipped(reason) => format!("<skipped message=\"{}\"/>", escaped(reason)),
    };
    let _ = writeln!(text, ">\n      {inner}\n    </testcase>");
    text
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
    use super::{escaped, junit};
    use crate::cli::test::outcome::tests::{capable, outcomes};

    #[test]
    fn it_is_well_formed_whatever_the_error_says() {
        let text = junit(&outcomes());
        assert!(text.contains("tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\" time=\"3.702\""), "{text}");
        assert!(text.contains("<failure message=\"401: &quot;bad&quot; key, 100%&#10;&lt;b&gt; &amp; co\"/>"), "{text}");
        assert!(text.contains("<testcase classname=\"openai\" name=\"gpt-4 → gpt-4o\" time=\"1.234\"/>"), "{text}");
        assert!(text.contains("<failure message=\"too slow\"/>"), "{text}");
        assert!(text.contains("<skipped message=\"image model: not asked\"/>"), "{text}");
        assert_eq!(escaped("\x1b[31m\0'"), "\u{fffd}[31m\u{fffd}'");
    }

    #[test]
    fn a_capability_is_a_case_of_its_own() {
        let text = junit(&[capable()]);
        assert!(text.contains("tests=\"5\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{text}");
        for (name, inner) in [
            ("tools", "<failure message=\"cannot\"/>"),
            ("vision", "<system-out>works, and nothing claims it</system-out>"),
            ("embeddings", "<skipped message=\"not claimed: cannot\"/>"),
        ] {
            let case = format!("name=\"gpt-4 → gpt-4o: {name}\" time=\"0.100\">\n      {inner}\n    </testcase>");
            assert!(text.contains(&case), "{text}");
        }
    }
}
