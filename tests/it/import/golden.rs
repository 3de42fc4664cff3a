//! Every source's result, and what is told of it, stand beside it. `LLMGW_BLESS=1` rewrites them.

use std::fs;
use std::path::Path;

use llmgw::config::env::Env;
use llmgw::config::import::{ImportError, Imported, Input, Kind, convert};
use llmgw::config::load::{Overrides, load_text};

use super::{Case, cases, environment};

/// What is told of a result: its kind, what it leaves out, what behaves otherwise.
fn told(imported: &Imported) -> String {
    let mut text = format!("kind: {}\n\nnot carried over:\n", imported.kind.word());
    for left in &imported.left {
        let times = if left.count > 1 { format!(" ({} times)", left.count) } else { String::new() };
        text.push_str(&format!("  {}{times}: {}\n", left.path, left.reason));
    }
    text.push_str("\nnotes:\n");
    imported.notes.iter().for_each(|note| text.push_str(&format!("  {note}\n")));
    text
}

fn compare(path: &Path, actual: &str, failures: &mut Vec<String>) {
    if Env::capture().get_filled("LLMGW_BLESS").is_some() {
        fs::write(path, actual).expect("a file");
    } else if fs::read_to_string(path).unwrap_or_default() != actual {
        failures.push(format!("{} differs from:\n{actual}", path.display()));
    }
}

#[test]
fn every_source_comes_to_what_stands_beside_it() {
    let mut failures = Vec::new();
    for case in cases() {
        let imported = case.imported();
        assert_eq!(imported.kind, case.kind, "{}", case.path.display());
        compare(&case.path.with_extension("llmgw.yaml"), &imported.yaml, &mut failures);
        compare(&case.path.with_extension("txt"), &told(&imported), &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_result_loads_without_a_mistake() {
    for case in cases() {
        let yaml = case.imported().yaml;
        let loaded = load_text("llmgw.yaml", &yaml, Path::new("/"), &environment(&yaml), &Overrides::default());
        let errors = loaded.map(drop).map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        assert_eq!(errors, Ok(()), "{}:\n{yaml}", case.path.display());
    }
}

/// Every text of a source that is a secret, by how it is written in these files.
fn secrets(case: &Case) -> Vec<String> {
    let text = case.text();
    let words = text.split(|c: char| c.is_whitespace() || "\"',;|(){}[]".contains(c));
    words.filter(|word| word.contains("0123456789")).map(str::to_owned).collect()
}

#[test]
fn no_secret_is_told_and_those_of_upstreams_stand_as_they_stood() {
    for case in cases() {
        let imported = case.imported();
        let told = told(&imported);
        let secrets = secrets(&case);
        assert!(!secrets.is_empty(), "{} holds no secret: it shows nothing", case.path.display());
        for secret in &secrets {
            assert!(!told.contains(secret.as_str()), "{}: {secret} is told", case.path.display());
        }
        assert!(secrets.iter().any(|secret| imported.yaml.contains(secret.as_str())), "{}", case.path.display());
        assert!(!told.contains("geheim"), "{}", case.path.display());
    }
}

#[test]
fn nothing_opens_a_gateway_without_keys_to_others() {
    for case in cases() {
        let imported = case.imported();
        assert!(!imported.yaml.contains("insecure"), "{}", case.path.display());
        let has_keys = imported.yaml.contains("\n  keys:");
        assert!(has_keys || !imported.yaml.contains("host: 0.0.0.0"), "{}", case.path.display());
    }
}

#[test]
fn what_is_no_gateways_file_is_refused_and_ours_is_known() {
    let error = |text: &str, from| convert(Input::Text(text), from).map(|imported| imported.yaml).expect_err("refused");
    assert_eq!(error("a: 1\n", None), ImportError::Unknown);
    assert_eq!(error("", None), ImportError::Unknown);
    assert_eq!(error("just words\n", None), ImportError::Unknown);
    assert_eq!(error("providers: [{ name: a, type: mock }]\n", None), ImportError::Ours);
    assert!(matches!(error("a: [1\n", None), ImportError::Syntax { line: 1 | 2, .. }));
    assert!(matches!(error("a: 1\nmodel_list: []\na: 2\n", None), ImportError::Syntax { line: 3, column: 1, .. }));
    assert!(matches!(error("UPSTREAM_PROVIDERS = [\n", None), ImportError::Syntax { .. }));
    let ImportError::Empty { kind: Kind::Litellm, left } =
        error("model_list: [{ model_name: a, litellm_params: { model: petals/x } }]\n", None)
    else {
        panic!("another error")
    };
    assert!(left.iter().any(|left| left.path == "model_list[0]"), "{left:?}");
    assert!(matches!(error("a: 1\n", Some(Kind::Bifrost)), ImportError::Empty { kind: Kind::Bifrost, .. }));
}

#[test]
fn every_kind_has_its_word() {
    for kind in Kind::ALL {
        assert_eq!(Kind::of_word(kind.word()), Some(kind));
        assert!(!kind.sign().is_empty());
    }
    assert_eq!(Kind::of_word("nginx"), None);
}
