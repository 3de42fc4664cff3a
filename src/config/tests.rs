//! Golden cases: files in `tests/config`, each with what it comes to beside it. `LLMGW_BLESS=1` rewrites the latter.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::{Config, Diagnostic, Env, Loaded, Origin, Overrides, ProviderKind, from_environment, load, load_text, ollama_url, schema};

/// What the cases may refer to.
const VARIABLES: [(&str, &str); 10] = [
    ("OPENAI_API_KEY", "sk-openai-0123456789abcdef"),
    ("DEEPSEEK_API_KEY", "sk-deepseek-0123456789abcdef"),
    ("DASHSCOPE_API_KEY", "sk-dashscope-0123456789abcdef"),
    ("ARK_API_KEY", "ark-0123456789abcdef"),
    ("MOONSHOT_API_KEY", "sk-moonshot-0123456789abcdef"),
    ("ZHIPUAI_API_KEY", "zhipu-0123456789abcdef"),
    ("LLMGW_ADMIN_KEY", "sk-admin-0123456789abcdef"),
    ("AWS_SHARED_CREDENTIALS_FILE", "aws/credentials"),
    ("PORT", "9090"),
    ("EMPTY", ""),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn cases() -> PathBuf {
    root().join("tests/config")
}

fn case_env() -> Env {
    Env::for_tests(&VARIABLES, cases())
}

/// Compares `actual` with the file beside the case, or writes it.
fn check(expected: &Path, actual: &str, failures: &mut Vec<String>) {
    if Env::capture().get_filled("LLMGW_BLESS").is_some() {
        fs::write(expected, actual).unwrap();
    } else if fs::read_to_string(expected).unwrap_or_default() != actual {
        failures.push(format!("{} differs from:\n{actual}", expected.display()));
    }
}

fn rendered(diagnostics: &[Diagnostic]) -> String {
    let texts: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
    texts.join("\n\n") + "\n"
}

fn portable(text: &str) -> String {
    let directory = cases().display().to_string();
    text.replace(&format!("{directory}/"), "").replace(&directory, ".")
}

/// A case's outcome: the name of the file beside it and its text.
fn outcome(path: &Path) -> (PathBuf, String) {
    match load(&case_env(), Some(path), &Overrides::default()) {
        Err(diagnostics) => (path.with_extension("txt"), portable(&rendered(&diagnostics))),
        Ok(Loaded { config, warnings, .. }) => {
            let mut text = serde_json::to_string_pretty(&config.to_json()).unwrap() + "\n";
            if !warnings.is_empty() {
                text = rendered(&warnings) + "\n" + &text;
            }
            (path.with_extension("json"), portable(&text))
        }
    }
}

#[test]
fn every_case_comes_to_what_stands_beside_it() {
    let mut paths: Vec<PathBuf> = fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let (mut wrong, mut right, mut failures) = (0, 0, Vec::new());
    for path in &paths {
        let (expected, actual) = outcome(path);
        let is_wrong = expected.extension().is_some_and(|extension| extension == "txt");
        *(if is_wrong { &mut wrong } else { &mut right }) += 1;
        let named_right = path.file_name().unwrap().to_string_lossy().starts_with("right-");
        if named_right == is_wrong {
            failures.push(format!("{} is not what its name says:\n{actual}", path.display()));
        }
        for (_, secret) in VARIABLES.iter().filter(|(name, _)| name.ends_with("_KEY")) {
            assert!(!actual.contains(secret), "{} shows a secret", path.display());
        }
        assert!(!actual.contains("geheim"), "{} shows a secret", path.display());
        check(&expected, &actual, &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(wrong >= 45 && right >= 12, "{wrong} wrong and {right} right cases");
}

#[test]
fn the_schema_is_the_one_checked_in() {
    let mut failures = Vec::new();
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    assert!(!text.contains("oneOf"), "a variable would fit more than one");
    check(&root().join("config/llmgw.schema.json"), &text, &mut failures);
    assert!(failures.is_empty(), "the schema is stale: run with LLMGW_BLESS=1");
}

#[test]
fn the_examples_load_without_a_complaint() {
    let directory = root().join("config/examples");
    let more = ["ANTHROPIC_API_KEY", "GEMINI_API_KEY", "AZURE_OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "VERTEX_TOKEN"];
    let env = Env::for_tests(&[&VARIABLES[..], &more.map(|name| (name, "0123456789abcdef"))].concat(), &directory);
    for name in ["minimal", "full", "failover", "china", "vendors"] {
        let path = directory.join(format!("{name}.yaml"));
        let loaded = load(&env, Some(&path), &Overrides::default());
        let loaded = loaded.unwrap_or_else(|diagnostics| panic!("{}", rendered(&diagnostics)));
        assert!(loaded.warnings.is_empty(), "{}", rendered(&loaded.warnings));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=../llmgw.schema.json\n"), "{name}");
    }
}

#[test]
fn the_full_example_holds_the_defaults() {
    let env = case_env();
    let full = load(&env, Some(&root().join("config/examples/full.yaml")), &Overrides::default()).unwrap().config.to_json();
    let minimal = "providers: [{ name: local, type: mock }]";
    let minimal = load_text("minimal", minimal, &cases(), &env, &Overrides::default()).unwrap().config.to_json();
    for section in ["server", "logging", "storage"] {
        assert_eq!(full[section], minimal[section], "{section}");
    }
    for key in ["default_model", "max_attempts", "backoff", "cooldown", "hedge_after", "deadline", "health_check", "detect"] {
        assert_eq!(full["routing"][key], minimal["routing"][key], "routing.{key}");
    }
    assert_eq!(full["providers"][0]["timeout"], minimal["providers"][0]["timeout"]);
}

#[test]
fn the_database_is_in_the_platforms_data_directory_unless_the_file_says_where() {
    let env = Env::for_tests(&[], "/").with_data_dir("/data");
    let path = |storage: &str| {
        let text = format!("providers: [{{ name: local, type: mock }}]\nstorage: {storage}\n");
        load_text("llmgw.yaml", &text, Path::new("/etc"), &env, &Overrides::default()).unwrap().config.storage.path
    };
    assert_eq!(path("null"), Some(PathBuf::from("/data/llmgw.db")));
    assert_eq!(path("{ path: null, responses: {} }"), Some(PathBuf::from("/data/llmgw.db")));
    assert_eq!(path("{ path: a.db }"), Some(PathBuf::from("/etc/a.db")));
}

/// What `bytes` under this name are refused with.
fn refusal(bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("llmgw.yaml"), bytes).unwrap();
    let env = Env::for_tests(&[], directory.path());
    let diagnostics = load(&env, None, &Overrides::default()).unwrap_err();
    assert_eq!(diagnostics.len(), 1);
    diagnostics[0].to_string()
}

#[test]
fn a_file_that_is_none_gets_one_clear_message() {
    assert!(refusal(b"").starts_with("error: llmgw.yaml: is empty"));
    assert!(refusal(b"# only a comment\n").starts_with("error: llmgw.yaml: is empty"));
    assert!(refusal(b"\x7fELF\0\0").starts_with("error: llmgw.yaml: is a binary file"));
    assert!(refusal(b"providers: \xff\n").starts_with("error: llmgw.yaml: is not UTF-8 text (line 1)"));
    assert!(refusal(&vec![b'#'; 10_000_001]).starts_with("error: llmgw.yaml: is larger than 10 MB"));
    assert!(refusal(b"- a\n- b\n").starts_with("error: llmgw.yaml: is not a mapping"));
    let deep = format!("x-deep: {}{}\n", "[".repeat(5000), "]".repeat(5000));
    let deep = refusal(deep.as_bytes());
    assert!(deep.contains("nested too deeply"), "{deep}");
}

#[test]
fn a_directory_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let env = Env::for_tests(&[], directory.path());
    let diagnostics = load(&env, Some(directory.path()), &Overrides::default()).unwrap_err();
    assert!(diagnostics[0].message.contains("is a directory"), "{diagnostics:?}");
}

#[test]
fn an_alias_bomb_is_defused() {
    let mut text = "x-0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text += &format!("x-{level}: &a{level} [{aliases}]\n");
    }
    assert!(refusal(text.as_bytes()).contains("too many values, once all aliases are followed"));
}

#[test]
fn what_the_command_line_says_wins_and_is_checked() {
    let env = case_env();
    let text = "providers: [{ name: local, type: mock }]\nserver: { port: 1234 }\n";
    let given = |overrides: &Overrides| load_text("llmgw.yaml", text, &cases(), &env, overrides);
    let public = Overrides { host: Some("0.0.0.0".to_owned()), port: Some(4321), ..Overrides::default() };
    let refused = rendered(&given(&public).unwrap_err());
    assert!(refused.contains("`0.0.0.0` can be reached by others") && refused.contains("--insecure"), "{refused}");
    let server = given(&Overrides { insecure: true, ..public.clone() }).unwrap().config.server;
    assert_eq!((server.host.as_str(), server.port), ("0.0.0.0", 4321));
    assert!(public.over(from_environment(&env, false)).is_err());
}

fn names(config: &Config) -> Vec<&str> {
    config.providers.iter().map(|provider| &*provider.name).collect()
}

#[test]
fn without_a_file_the_usual_variables_count() {
    let variables = [("DEEPSEEK_API_KEY", "sk-1"), ("OPENAI_API_KEY", "sk-2"), ("GITHUB_TOKEN", "t"), ("GROQ_API_KEY", "")];
    let config = from_environment(&Env::for_tests(&variables, "."), true);
    assert_eq!(names(&config), ["openai", "deepseek", "ollama"]);
    assert_eq!(config.providers.iter().map(|provider| provider.priority).collect::<Vec<_>>(), [1, 2, 3]);
    let found = ["OPENAI_API_KEY", "DEEPSEEK_API_KEY", "a local Ollama"].map(str::to_owned).to_vec();
    assert_eq!(config.origin, Origin::Environment { found });
}

#[test]
fn a_local_ollama_is_where_its_own_variable_says() {
    let cases = [
        ("", Some("http://localhost:11434/v1")),
        ("0.0.0.0", Some("http://localhost:11434/v1")),
        ("0.0.0.0:5000", Some("http://localhost:5000/v1")),
        ("10.1.2.3", Some("http://10.1.2.3:11434/v1")),
        ("[::1]:5000", Some("http://[::1]:5000/v1")),
        ("https://ollama.example", Some("https://ollama.example/v1")),
        ("http://ollama.example:8080/", Some("http://ollama.example:8080/v1")),
        ("unix:///run/ollama", None),
    ];
    for (host, url) in cases {
        assert_eq!(ollama_url(&Env::for_tests(&[("OLLAMA_HOST", host)], ".")).as_ref().map(Url::as_str), url, "{host}");
    }
}

#[test]
fn without_anything_the_mock_answers() {
    let config = from_environment(&Env::for_tests(&[], "."), false);
    assert_eq!((names(&config), &config.origin), (vec!["mock"], &Origin::Mock));
    assert!(config.providers[0].default_model.is_some() && config.providers[0].models.is_none());
}

#[test]
fn a_key_of_openai_goes_where_its_owner_points() {
    let address = |url| Env::for_tests(&[("OPENAI_API_KEY", "sk-1"), ("OPENAI_BASE_URL", url)], ".");
    let config = from_environment(&address("https://example.com/v1/"), false);
    assert_eq!(config.providers[0].base_url.as_str(), "https://example.com/v1");
    assert_eq!(from_environment(&address("nonsense"), false).origin, Origin::Mock);
}

#[test]
fn keys_of_anthropic_and_google_are_used_like_any_other() {
    let variables = [("ANTHROPIC_API_KEY", "sk-1"), ("GOOGLE_API_KEY", "sk-2"), ("ANTHROPIC_BASE_URL", "https://relay.example/")];
    let config = from_environment(&Env::for_tests(&variables, "."), false);
    let found: Vec<(&str, &str)> = config.providers.iter().map(|one| (one.kind.as_str(), one.base_url.as_str())).collect();
    let google = "https://generativelanguage.googleapis.com/";
    assert_eq!(found, [("anthropic", "https://relay.example/"), ("gemini", google)]);
    assert!(config.providers[1].default_model.is_some());
}

#[test]
fn the_environment_lends_bedrock_what_its_file_leaves_out() {
    let bedrock = |text: &str, variables: &[(&str, &str)]| {
        let text = format!("providers: [{{ name: a, type: bedrock, models: [m]{text} }}]");
        let env = Env::for_tests(variables, ".");
        let config = load_text("llmgw.yaml", &text, &cases(), &env, &Overrides::default()).unwrap().config;
        let provider = &config.providers[0];
        let ProviderKind::Bedrock(bedrock) = &provider.kind else { panic!("another kind") };
        let id = bedrock.keys.as_ref().map(|keys| keys.access_key_id.expose().to_owned());
        (bedrock.region.clone(), provider.api_keys.first().map(|key| key.expose().to_owned()), id)
    };
    let keys = [("AWS_ACCESS_KEY_ID", "AKI"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_DEFAULT_REGION", "eu-west-1")];
    let all = [&keys[..], &[("AWS_BEARER_TOKEN_BEDROCK", "bearer"), ("AWS_REGION", "us-west-2")]].concat();
    let own = |text: &str| Some(text.to_owned());
    assert_eq!(bedrock("", &keys), ("eu-west-1".to_owned(), None, own("AKI")));
    assert_eq!(bedrock("", &all), ("us-west-2".to_owned(), own("bearer"), None));
    let file = ", region: us-east-1, access_key_id: OF_FILE, secret_access_key: s";
    assert_eq!(bedrock(file, &all), ("us-east-1".to_owned(), None, own("OF_FILE")));
    let address = ", base_url: \"https://bedrock-runtime.ap-south-1.amazonaws.com\", api_key: k";
    assert_eq!(bedrock(address, &all), ("ap-south-1".to_owned(), own("k"), None));
}

#[test]
fn keys_of_a_profile_are_read_and_watched() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials");
    fs::write(&file, "[default]\naws_access_key_id = AKI\naws_secret_access_key = s\n").unwrap();
    let env = Env::for_tests(&[("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())], directory.path());
    let text = "providers: [{ name: a, type: bedrock, region: us-east-1, models: [m] }]";
    let loaded = load_text("llmgw.yaml", text, directory.path(), &env, &Overrides::default()).unwrap();
    assert_eq!((loaded.files, loaded.warnings.len()), (vec![file], 0));
    let ProviderKind::Bedrock(bedrock) = &loaded.config.providers[0].kind else { panic!("another kind") };
    assert!(bedrock.keys.as_ref().is_some_and(|keys| keys.access_key_id.expose() == "AKI"));
}

#[test]
fn a_secret_in_a_file_is_read_and_watched() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("key"), "sk-from-file\n").unwrap();
    let text = "providers: [{ name: a, type: openai, api_key: 'file:key', timeout: 7s }]";
    fs::write(directory.path().join("llmgw.yaml"), text).unwrap();
    let loaded = load(&Env::for_tests(&[], directory.path()), None, &Overrides::default()).unwrap();
    let provider = &loaded.config.providers[0];
    assert_eq!(provider.api_keys[0].expose(), "sk-from-file");
    assert_eq!(provider.timeout.non_stream, Duration::from_secs(7));
    assert_eq!(loaded.files, [directory.path().join("llmgw.yaml"), directory.path().join("key")]);
    assert_eq!(loaded.config.origin, Origin::File { path: directory.path().join("llmgw.yaml"), why: "./llmgw.yaml" });
}

#[test]
fn a_file_without_an_end_is_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("key"), "长".repeat(400_000)).unwrap();
    let text = "providers: [{ name: a, type: openai, api_key: 'file:key' }]";
    let found = load_text("llmgw.yaml", text, directory.path(), &case_env(), &Overrides::default()).unwrap_err();
    assert!(found[0].message.ends_with("cannot be read: it is larger than 1 MB, which no secret is"), "{}", rendered(&found));
    assert!(!rendered(&found).contains('长'));
}

#[test]
fn debug_output_of_a_configuration_holds_no_secret() {
    let text = "providers: [{ name: a, type: openai, api_key: sk-abgeheim-0123456789, headers: { X-Key: geheim }, proxy: 'http://u:geheim@proxy:1' }]";
    let loaded = load_text("llmgw.yaml", text, &cases(), &case_env(), &Overrides::default()).unwrap();
    let shown = format!("{:?} {}", loaded.config, loaded.config.to_json());
    assert!(!shown.contains("geheim"), "{shown}");
}

#[test]
fn a_mistake_below_a_lone_carriage_return_quotes_its_own_line() {
    let text = "# 一\r# 二\rproviders:\r\n  - { name: a, type: mock, api_key: geheimnis-0123456789 }\n  - { nmae: b }\n";
    let found = load_text("llmgw.yaml", text, &cases(), &case_env(), &Overrides::default()).unwrap_err();
    assert!(found.iter().any(|diagnostic| diagnostic.line == Some(5) && diagnostic.source_line.as_deref() == Some("  - { nmae: b }")));
    assert!(!rendered(&found).contains("geheim"), "{}", rendered(&found));
}
