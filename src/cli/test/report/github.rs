//! Outcomes as commands of GitHub Actions, which shows them beside the change that is tested.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use crate::cli::test::outcome::{Outcome, summary};

/// An error for everything that went wrong, a notice for what works unclaimed, and the sum of it.
pub fn github(outcomes: &[Outcome]) -> String {
    let lines = outcomes.iter().flat_map(|outcome| {
        let title = format!("llmgw test: {} at {}", outcome.name(), outcome.result.provider);
        let unclaimed = outcome.unclaimed().map(|found| command("notice", &title, &format!("works, and nothing claims it: {found}")));
        let problems = outcome.problems().into_iter().map(|problem| command("error", &title, &problem));
        problems.chain(unclaimed).collect::<Vec<String>>()
    });
    lines.collect::<String>() + &command("notice", "llmgw test", &summary(outcomes))
}

fn command(name: &str, title: &str, message: &str) -> String {
    format!("::{name} title={}::{}\n", property(title), data(message))
}

/// As the runner unescapes it: nothing else is special, and a line's end would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same, for what stands between `::`, where a comma begins the next property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::github;
    use crate::cli::test::outcome::tests::{capable, outcomes};

    #[test]
    fn each_problem_is_one_line_whatever_it_says() {
        let expected = "::error title=llmgw test%3A gpt-4 → gpt-4o at openai::401: \"bad\" key, 100%25%0A<b> & co\n\
                        ::error title=llmgw test%3A gpt-4 → gpt-4o at openai::too slow\n\
                        ::notice title=llmgw test::1 ok, 1 failed, 1 slower, 1 skipped\n";
        assert_eq!(github(&outcomes()), expected);
    }

    #[test]
    fn what_works_unclaimed_is_a_notice() {
        let expected = "::error title=llmgw test%3A gpt-4 → gpt-4o at openai::tools: cannot\n\
                        ::notice title=llmgw test%3A gpt-4 → gpt-4o at openai::works, and nothing claims it: vision\n\
                        ::notice title=llmgw test::0 ok, 1 failed\n";
        assert_eq!(github(&[capable()]), expected);
    }
}
