//! Files: who may read them, whether data can be kept, when certificates expire.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_yaml::Value;
use x509_parser::parse_x509_certificate;

use crate::cli::doctor::report::Finding;
use crate::config::env::Env;
use crate::config::load::Loaded;
use crate::config::{Config, Origin, Secret};
use crate::storage::ledger::{Period, Reader};
use crate::transport::tls::pem_error;

/// Time enough to renew a certificate by hand.
const EXPIRES_SOON: Duration = Duration::from_secs(14 * 86_400);

/// Shorter values stand in many a text by chance.
const SHORTEST_SECRET: usize = 6;

/// What there is to say of the files of `loaded`.
pub fn look(loaded: &Loaded, environment: &Env) -> Vec<Finding> {
    let mut findings = rights(loaded, environment);
    findings.extend(certificates(&loaded.config, SystemTime::now()));
    findings.push(data(&loaded.config));
    findings
}

/// Whether others can read keys.
fn rights(loaded: &Loaded, environment: &Env) -> Vec<Finding> {
    let config = &loaded.config;
    let public: Vec<&Path> = certificate_files(config).chain(config.providers.iter().filter_map(|one| one.tls.ca.as_deref())).collect();
    let (mut findings, mut private) = (Vec::new(), 0);
    for path in &loaded.files {
        let is_configuration = matches!(&config.origin, Origin::File { path: own, .. } if own == path);
        if public.contains(&path.as_path()) || (is_configuration && !holds_secrets(path, config)) {
            continue;
        }
        let shown = path.strip_prefix(environment.current_dir()).unwrap_or(path).display();
        match readable_by_others(path) {
            Some(mode) => findings.push(
                Finding::warning("files", format!("{shown} holds keys, and others can read it (mode {mode:o})"))
                    .hint(format!("chmod 600 {shown}")),
            ),
            None => private += 1,
        }
    }
    if findings.is_empty() && private > 0 {
        findings.push(Finding::ok("files", "what holds keys can be read by its owner only"));
    }
    findings
}

/// Whether the configuration has a key in it as it is, not by a variable or a file.
fn holds_secrets(path: &Path, config: &Config) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    let is_there = |secret: &Secret| secret.expose().len() >= SHORTEST_SECRET && text.contains(secret.expose());
    // Keys of clients are known by their digests only.
    let tree: Value = serde_yaml::from_str(&text).unwrap_or_default();
    let keys = tree["auth"]["keys"].as_sequence().into_iter().flatten().filter_map(|key| key.as_str().or(key["key"].as_str()));
    let is_plain = |key: &str| !key.contains("${") && !key.starts_with("sha256:") && !key.starts_with("file:");
    config.secrets().iter().any(is_there) || keys.into_iter().any(is_plain)
}

/// The rights of `path`, if more than its owner and group may read it.
#[cfg(unix)]
fn readable_by_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o004 != 0).then_some(mode)
}

/// Elsewhere rights are not three digits.
#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<u32> {
    None
}

/// Certificates that this machine shows to others.
fn certificate_files(config: &Config) -> impl Iterator<Item = &Path> {
    let own = config.server.tls.iter().map(|tls| tls.cert.as_path());
    own.chain(config.providers.iter().filter_map(|provider| provider.tls.cert.as_deref()))
}

fn certificates(config: &Config, now: SystemTime) -> Vec<Finding> {
    let mut paths: Vec<&Path> = certificate_files(config).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().map(|path| certificate(path, now)).collect()
}

fn certificate(path: &Path, now: SystemTime) -> Finding {
    const CHECK: &str = "certificate";
    let shown = path.display();
    let der = match CertificateDer::from_pem_file(path) {
        Ok(der) => der,
        Err(error) => return Finding::failed(CHECK, format!("{shown}: {}", pem_error(&error))),
    };
    let Ok((_, certificate)) = parse_x509_certificate(&der) else {
        return Finding::failed(CHECK, format!("{shown} holds no X.509 certificate"));
    };
    let moment = |timestamp: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(timestamp).unwrap_or_default());
    let validity = certificate.validity();
    let (begins, ends) = (moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp()));
    let day = humantime::format_rfc3339_seconds(ends);
    if now < begins {
        return Finding::failed(CHECK, format!("{shown} is not valid yet")).hint("check this machine's clock");
    }
    match ends.duration_since(now) {
        Err(_) => Finding::failed(CHECK, format!("{shown} has expired ({day})")).hint("renew it; a running gateway takes it with a reload"),
        Ok(left) if left < EXPIRES_SOON => {
            Finding::warning(CHECK, format!("{shown} expires in {} days ({day})", left.as_secs() / 86_400)).hint("renew it")
        }
        Ok(left) => Finding::ok(CHECK, format!("{shown} is valid for {} more days", left.as_secs() / 86_400)),
    }
}

/// Whether requests can be recorded, and what was can be read.
fn data(config: &Config) -> Finding {
    const CHECK: &str = "data";
    let Some(path) = &config.storage.path else {
        return Finding::warning(CHECK, "this platform has no directory for data: requests are not recorded").hint("set `storage.path`");
    };
    let shown = path.display();
    let read = Reader::open(path).and_then(|reader| reader.map(|reader| reader.lost(&Period::default())).transpose());
    let lost = match read {
        Ok(lost) => lost,
        Err(error) => {
            return Finding::failed(CHECK, format!("{shown}: {error}"))
                .hint("`llmgw usage --set-aside` renames it, so that a new one begins; or name another with `storage.path`");
        }
    };
    let place = nearest(path);
    if !is_writable(&place) {
        return Finding::failed(CHECK, format!("{} cannot be written to: requests are not recorded", place.display()))
            .hint("give this user the right to, or name another place with `storage.path`");
    }
    match lost {
        None => Finding::ok(CHECK, format!("{shown} does not exist yet, and can be made")),
        Some(0) => Finding::ok(CHECK, format!("{shown} can be read and written")),
        Some(lost) => Finding::warning(CHECK, format!("{shown} lacks {lost} requests"))
            .hint("they came too fast, or the disk was full; their sums are there, their rows are not"),
    }
}

/// `path`, or what there is of the way to it.
fn nearest(path: &Path) -> PathBuf {
    path.ancestors().find(|place| place.exists()).unwrap_or(Path::new(".")).to_owned()
}

#[cfg(unix)]
fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.permissions().readonly())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::{certificate, data, rights};
    use crate::cli::doctor::report::State;
    use crate::config::env::Env;
    use crate::config::load::{Loaded, Overrides, load_file};

    fn load(directory: &Path, text: &str, mode: u32) -> Loaded {
        let path = directory.join("llmgw.yaml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        load_file(&path, "given", &Env::for_tests(&[("KEY", "sk-of-the-environment")], directory), &Overrides::default()).unwrap()
    }

    #[test]
    fn keys_that_others_can_read_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::write(root.join("key"), "sk-of-a-file").unwrap();
        let warned = |text: &str, mode| {
            let found = rights(&load(root, text, mode), &Env::for_tests(&[], root));
            found.into_iter().filter(|finding| finding.state == State::Warning).map(|finding| finding.message).collect::<Vec<_>>()
        };
        let by = |key: &str| format!("providers: [{{ name: a, preset: openai, api_key: \"{key}\" }}]\n");
        assert_eq!(warned(&by("sk-written-down"), 0o644), ["llmgw.yaml holds keys, and others can read it (mode 644)"]);
        assert!(warned(&by("sk-written-down"), 0o600).is_empty());
        assert!(warned(&by("${KEY}"), 0o644).is_empty());
        let client = |key: &str| format!("{}auth: {{ keys: [{{ name: 组, key: \"{key}\" }}] }}\n", by("${KEY}"));
        assert_eq!(warned(&client("sk-of-a-client"), 0o644).len(), 1);
        assert!(warned(&client(&format!("sha256:{}", "9f".repeat(32))), 0o644).is_empty());
        fs::set_permissions(root.join("key"), fs::Permissions::from_mode(0o604)).unwrap();
        assert_eq!(warned(&by("file:key"), 0o644), ["key holds keys, and others can read it (mode 604)"]);
    }

    #[test]
    fn a_certificate_tells_when_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cert.pem");
        let mut params = rcgen::CertificateParams::new(vec!["gw.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2030, 1, 1), rcgen::date_time_ymd(2030, 3, 1));
        fs::write(&path, params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()).unwrap();
        let on = |day: &str| certificate(&path, humantime::parse_rfc3339(&format!("{day}T00:00:00Z")).unwrap());
        assert_eq!(on("2029-12-31").state, State::Failed);
        assert_eq!(on("2030-01-02").state, State::Ok);
        assert!(on("2030-02-25").message.ends_with("expires in 4 days (2030-03-01T00:00:00Z)"), "{:?}", on("2030-02-25"));
        assert!(on("2030-03-02").message.contains("has expired") && on("2030-03-02").state == State::Failed);
        fs::write(&path, "not a certificate").unwrap();
        assert_eq!(certificate(&path, SystemTime::now() + Duration::ZERO).state, State::Failed);
    }

    #[test]
    fn a_place_for_data_is_tried() {
        let directory = tempfile::tempdir().unwrap();
        let at = |place: &str| {
            let text = format!("providers: [{{ name: a, type: mock }}]\nstorage: {{ path: {place} }}\n");
            data(&load(directory.path(), &text, 0o600).config)
        };
        assert_eq!(at("new/place/llmgw.db").state, State::Ok);
        fs::write(directory.path().join("broken.db"), "你好".repeat(1000)).unwrap();
        let broken = at("broken.db");
        assert!(broken.state == State::Failed && broken.hint.unwrap().contains("--set-aside"));
    }
}
