//! Packages are held to the repository: what they name is there, versions agree, configurations load, workflows fit together.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

use crate::readme::check;

const WORKFLOWS: [&str; 2] = [".github/workflows/ci.yaml", ".github/workflows/release.yaml"];

/// Where packages say which version they are of.
const VERSIONED: [&str; 5] = [
    "packaging/README.md",
    "packaging/README.zh.md",
    "packaging/compose.yaml",
    "docs/guides/kubernetes.md",
    "docs/guides/kubernetes.zh.md",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).expect(name)
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&read(name)).expect(name)
}

fn is_program(name: &str) -> bool {
    fs::metadata(path(name)).is_ok_and(|file| file.permissions().mode() & 0o111 == 0o111)
}

/// Whether something is at `pattern`, whose last part may hold one `*`.
fn exists(pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return path(pattern).exists() };
    let (directory, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let mut names = fs::read_dir(path(directory)).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.any(|name| name.starts_with(prefix) && name.ends_with(after))
}

/// The scalars below `value` under the key `key`.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Mapping(mapping) => mapping.iter().for_each(|(name, value)| {
            if let (Some(name), Some(text)) = (name.as_str(), value.as_str())
                && name == key
            {
                found.push(text);
            }
            all(value, key, found);
        }),
        Value::Sequence(values) => values.iter().for_each(|value| all(value, key, found)),
        _ => {}
    }
}

/// Lines of `text` between the one that is `begin` and the one that is `end`.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.lines().skip_while(|line| *line != begin).skip(1).take_while(|line| *line != end).collect()
}

#[test]
fn the_debian_package_holds_files_that_are_there() {
    let manifest = read("Cargo.toml");
    let assets = between(&manifest, "assets = [", "]");
    let sources: Vec<&str> = assets.iter().filter_map(|line| line.split('"').nth(1)).collect();
    assert!(sources.len() > 8, "{sources:?}");
    for source in sources.into_iter().filter(|source| !source.starts_with("target/")) {
        assert!(exists(source), "{source}");
    }
    for unit in ["config/systemd/llmgw.service", "config/systemd/llmgw.socket"] {
        assert!(exists(unit), "{unit}");
    }
    for script in ["packaging/debian/postinst", "packaging/debian/postrm"] {
        let text = read(script);
        assert!(text.starts_with("#!/bin/sh\n") && text.contains("\nset -e\n") && text.ends_with("#DEBHELPER#\n"), "{script}");
    }
}

#[test]
fn the_image_copies_files_that_its_context_has() {
    let (dockerfile, ignored) = (read("packaging/Dockerfile"), read(".dockerignore"));
    let kept: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(kept.iter().all(|name| *name == "dist" || exists(name)), "{kept:?}");
    let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.contains("--from="));
    let sources: Vec<&str> = copies.filter_map(|line| line.split(' ').find(|word| !word.starts_with("--"))).collect();
    assert_eq!(sources, [".", "dist/${TARGETARCH}/llmgw", "LICENSE", "packaging/data"]);
    for source in ["LICENSE", "packaging/data", "Cargo.lock", "src"] {
        assert!(kept.contains(&source) && exists(source), "{source}");
    }
}

#[test]
fn compose_mounts_files_that_are_there() {
    let compose = yaml("packaging/compose.yaml");
    let services = compose["services"].as_mapping().expect("services");
    let mounts = services.values().filter_map(|service| service["volumes"].as_sequence()).flatten().filter_map(Value::as_str);
    let sources: Vec<&str> = mounts.filter_map(|mount| mount.split(':').next()).filter(|source| source.starts_with('.')).collect();
    assert!(sources.len() > 4, "{sources:?}");
    for source in sources {
        assert!(exists(&format!("packaging/{source}")), "{source}");
    }
    for secret in services.values().filter_map(|service| service["secrets"].as_sequence()).flatten() {
        assert!(compose["secrets"].get(secret).is_some(), "{secret:?}");
    }
    // What the gateway and Prometheus read is what is mounted.
    for (file, secret) in [("llmgw.yaml", "llmgw_key"), ("llmgw.yaml", "llmgw_admin_key"), ("prometheus.yml", "llmgw_admin_key")] {
        assert!(read(&format!("packaging/compose/{file}")).contains(&format!("/run/secrets/{secret}")), "{file}: {secret}");
    }
}

#[test]
fn configurations_that_packages_bring_load() {
    for file in ["packaging/debian/llmgw.yaml", "packaging/compose/llmgw.yaml"] {
        check(&read(file));
    }
}

#[test]
fn packages_are_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    for file in VERSIONED {
        let text = read(file);
        let named = ["llmgw:", "llmgw-v", "llmgw_"].map(|before| text.split(before).skip(1).collect::<Vec<_>>()).concat();
        let versions: Vec<&str> = named.into_iter().filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit())).collect();
        assert!(!versions.is_empty(), "{file} names no version");
        assert!(versions.iter().all(|rest| rest.starts_with(version)), "{file} names another version than {version}");
    }
}

#[test]
fn services_start_commands_that_there_are() {
    let unit = read("config/systemd/llmgw.service");
    let started = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("ExecStart").split(' ').map(str::to_owned);
    let mut commands = vec![started.collect::<Vec<_>>(), vec!["llmgw".to_owned(), "serve".to_owned()]];
    let dockerfile = read("packaging/Dockerfile");
    assert!(dockerfile.ends_with("ENTRYPOINT [\"/llmgw\"]\nCMD [\"serve\"]\n"));
    for guide in ["docs/guides/kubernetes.md", "docs/guides/kubernetes.zh.md"] {
        let text = read(guide);
        let arguments = text.split_once("args: [").and_then(|(_, rest)| rest.split_once(']')).expect("args").0;
        commands.push(["llmgw"].into_iter().chain(arguments.split(", ")).map(str::to_owned).collect());
    }
    for command in commands {
        let parsed = llmgw::cli::args::parse(command.iter().map(Into::into));
        assert!(parsed.is_ok(), "{command:?}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
    }
}

#[test]
fn workflows_start_programs_and_name_jobs_that_there_are() {
    for file in WORKFLOWS {
        let workflow = yaml(file);
        let jobs = workflow["jobs"].as_mapping().expect("jobs");
        for (name, job) in jobs {
            let needs = &job["needs"];
            let needed = needs.as_sequence().map_or_else(|| vec![needs], |needs| needs.iter().collect());
            assert!(needed.into_iter().filter(|needed| !needed.is_null()).all(|needed| jobs.contains_key(needed)), "{file}: {name:?}");
            assert!(job.get("timeout-minutes").is_some() || job.get("uses").is_some(), "{file}: {name:?} may run for six hours");
        }
        let mut uses = Vec::new();
        all(&workflow, "uses", &mut uses);
        let (own, others): (Vec<&str>, Vec<&str>) = uses.into_iter().partition(|name| name.starts_with("./"));
        assert!(own.iter().all(|name| exists(name)) && others.iter().all(|name| name.contains('@')), "{file}: {own:?} {others:?}");
        let mut runs = Vec::new();
        all(&workflow, "run", &mut runs);
        let words = runs.iter().flat_map(|run| run.split_whitespace());
        let programs: Vec<&str> =
            words.filter(|word| ["packaging/", "scripts/", ".ci/"].iter().any(|place| word.starts_with(place))).collect();
        assert!(!programs.is_empty(), "{file}");
        for program in programs.into_iter().filter(|program| !program.contains('.') || program.starts_with(".ci/")) {
            assert!(is_program(program), "{file}: {program}");
        }
    }
}

#[test]
fn what_is_released_is_what_is_checked_and_offered() {
    let release = yaml(WORKFLOWS[1]);
    let mut targets = Vec::new();
    all(&release["jobs"]["build"]["strategy"], "target", &mut targets);
    assert_eq!(targets.len(), 4, "{targets:?}");
    let (formula, checked) = (read("packaging/homebrew/llmgw.rb"), read("deny.toml"));
    for target in targets {
        assert!(formula.contains(&format!("-{target}.tar.gz")) && formula.contains(&format!("@SHA256:{target}@")), "{target}");
        assert!(checked.contains(&format!("\"{target}\"")), "{target}");
    }
}
