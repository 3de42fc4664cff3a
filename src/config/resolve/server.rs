//! `server:`, `admin:` and `auth:`.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use url::Url;

use super::Resolver;
use crate::config::file::{AdminFile, AuthFile, AuthKeyTable, KeepaliveFile, ServerFile, ServerTlsFile};
use crate::config::file_kinds::AuthKeyFile;
use crate::config::leaves::{DurationText, PathText, SecretText, SizeText, reason, shown};
use crate::config::read::{List, Place, Placed, Setting};
use crate::config::{Admin, Auth, Keepalive, Key, Server, ServerTls};

/// A digest instead of a key.
const HASHED: &str = "sha256:";
/// What to do about a limit of 0.
const ROOM: &str = "0 would let nothing through; leave it out for what the open files allow";

impl Resolver<'_, '_> {
    pub(super) fn server(&mut self, file: ServerFile) -> Server {
        let default = Server::default();
        Server {
            host: self.host(&file.host).unwrap_or(default.host),
            insecure: file.insecure.into_value().unwrap_or(default.insecure),
            port: file.port.into_value().unwrap_or(default.port),
            workers: file.workers.into_value().map_or(default.workers, usize::from),
            max_body: self.size(&file.max_body, default.max_body),
            max_response: self.size(&file.max_response, default.max_response),
            max_in_flight: self.at_least_one(&file.max_in_flight, ROOM),
            max_connections: self.at_least_one(&file.max_connections, ROOM),
            drain: Self::duration(&file.drain, default.drain),
            shutdown_grace: Self::duration(&file.shutdown_grace, default.shutdown_grace),
            keepalive: self.keepalive(file.keepalive),
            tls: self.server_tls(file.tls),
            cors: self.cors(file.cors),
        }
    }

    pub(super) fn admin(&mut self, file: AdminFile) -> Admin {
        Admin { key: file.key.into_value().map(|key| key.0), port: file.port.into_value() }
    }

    pub(super) fn auth(&mut self, file: AuthFile) -> Auth {
        let mut seen = Seen::default();
        let written = file.keys.into_value().unwrap_or(List(Vec::new()));
        let keys = written.0.into_iter().enumerate().filter_map(|(index, key)| self.key(index, key, &mut seen));
        let keys = keys.collect();
        Auth { open_models: file.open_models.into_value().unwrap_or(false), keys }
    }

    fn host(&mut self, setting: &Setting<String>) -> Option<String> {
        let (host, place) = setting.placed()?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.parse::<std::net::IpAddr>().is_ok() {
            return Some(bare.to_owned());
        }
        if bare.contains("://") || bare.contains('/') {
            self.mistakes.error_with(place, format!("`{host}` is no host"), "write an address or a name, without scheme and path");
        } else if bare.contains(':') {
            self.mistakes.error_with(place, format!("`{host}` is no host"), "the port stands under `server.port`");
        } else if bare == "*" {
            self.mistakes.error_with(place, "`*` is no host", "every address is `0.0.0.0`, or `::` with IPv6");
        } else if bare.is_empty() || bare.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.mistakes.error_with(place, format!("`{host}` is no host"), "write an address such as 127.0.0.1 or a name");
        } else {
            return Some(bare.to_owned());
        }
        None
    }

    fn size(&mut self, setting: &Setting<SizeText>, default: usize) -> usize {
        match setting.placed() {
            Some((SizeText(0), place)) => {
                self.mistakes.error(place, "must be more than 0");
                default
            }
            Some((SizeText(bytes), _)) => usize::try_from(*bytes).unwrap_or(usize::MAX),
            None => default,
        }
    }

    fn keepalive(&mut self, setting: Setting<KeepaliveFile>) -> Keepalive {
        let default = Keepalive::default();
        match setting {
            Setting::Null(_) => Keepalive { every: None, before_headers: None },
            Setting::Absent | Setting::Wrong(_) => default,
            Setting::Set(file, _) => Keepalive {
                every: self.duration_or_none(&file.every, default.every),
                before_headers: self.duration_or_none(&file.before_headers, default.before_headers),
            },
        }
    }

    /// A duration that is more than nothing, its default, or, written as `null`, none.
    fn duration_or_none(&mut self, setting: &Setting<DurationText>, default: Option<Duration>) -> Option<Duration> {
        if matches!(setting, Setting::Null(_)) { None } else { Some(self.positive(setting, default?)) }
    }

    fn server_tls(&mut self, setting: Setting<ServerTlsFile>) -> Option<ServerTls> {
        let (file, place) = setting.placed()?;
        for (key, part) in [("cert", &file.cert), ("key", &file.key)] {
            if part.is_unset() {
                self.mistakes.error_with(place, format!("`{key}` is missing"), "HTTPS needs both `cert` and `key`");
            }
        }
        let cert = self.pem(&file.cert);
        let key = self.pem(&file.key);
        Some(ServerTls { cert: cert?, key: key? })
    }

    /// A PEM file that exists and looks like one.
    pub(super) fn pem(&mut self, setting: &Setting<PathText>) -> Option<PathBuf> {
        let (PathText(path), place) = setting.placed()?;
        match begins_as_pem(path) {
            Ok(true) => {
                self.files.push(path.clone());
                Some(path.clone())
            }
            Ok(false) => {
                let message = format!("the file `{}` is not PEM", shown(path));
                self.mistakes.error_with(place, message, "a PEM file has a line `-----BEGIN …-----`");
                None
            }
            Err(error) => {
                self.mistakes.error(place, format!("the file `{}` cannot be read: {}", shown(path), reason(&error)));
                None
            }
        }
    }

    fn cors(&mut self, setting: Setting<List<String>>) -> Vec<String> {
        let mut origins = Vec::new();
        for Placed { value, place } in setting.into_value().map(|list| list.0).unwrap_or_default() {
            if value == "*" || is_origin(&value) {
                origins.push(value.trim_end_matches('/').to_owned());
            } else {
                let hint = "write scheme and host such as `https://app.example`, without a path; or `*` for any";
                self.mistakes.error_with(&place, format!("`{value}` is no origin"), hint);
            }
        }
        origins
    }

    fn key(&mut self, index: usize, key: Placed<AuthKeyFile>, seen: &mut Seen) -> Option<Key> {
        let automatic = format!("key-{}", index + 1);
        let place = key.place;
        let table = match key.value {
            AuthKeyFile::Bare(secret) => AuthKeyTable { key: Setting::Set(secret, place.clone()), ..AuthKeyTable::default() },
            AuthKeyFile::Table(table) => *table,
        };
        if table.key.is_unset() {
            self.mistakes.error_with(&place, "`key` is missing", "every entry has a `key`; its `name` and `models` are optional");
        }
        let name = table.name.value().cloned().unwrap_or(automatic);
        let name_place = table.name.place().unwrap_or(&place);
        if name.trim().is_empty() {
            self.mistakes.error(name_place, "an empty name");
        }
        if let Some(first) = seen.names.insert(name.clone(), place.path.clone()) {
            self.mistakes.error_with(name_place, format!("the name `{name}` is taken"), format!("`{first}` has it already"));
        }
        let models = self.globs(&table.models);
        let (secret, key_place) = table.key.placed()?;
        let digest = self.digest(secret, key_place)?;
        if let Some(first) = seen.digests.insert(digest, place.path.clone()) {
            self.mistakes.error_with(key_place, "the same key stands here twice", format!("`{first}` has it already"));
        }
        let passthrough = table.passthrough.into_value().unwrap_or(table.models.is_unset());
        Some(Key { name: Arc::from(name), digest, models, passthrough })
    }

    fn digest(&mut self, SecretText(secret): &SecretText, place: &Place) -> Option<[u8; 32]> {
        let Some(hex) = secret.expose().strip_prefix(HASHED) else { return Some(secret.digest()) };
        let digest = decode_hex(hex);
        if digest.is_none() {
            let hint = "make one with `printf %s KEY | sha256sum`";
            self.mistakes.error_with(place, "`sha256:` wants the 64 hex digits of the key's digest", hint);
        }
        digest
    }

    fn globs(&mut self, setting: &Setting<List<String>>) -> Vec<GlobMatcher> {
        let Some((list, place)) = setting.placed() else { return Vec::new() };
        if list.0.is_empty() {
            self.mistakes.error_with(place, "an empty list allows nothing", "name models, or leave `models` out to allow all");
        }
        let mut globs = Vec::new();
        for Placed { value, place } in &list.0 {
            // `*` matches `/` too: names of models hold slashes that are no folders.
            match GlobBuilder::new(value).literal_separator(false).build() {
                Ok(glob) if !value.is_empty() => globs.push(glob.compile_matcher()),
                Ok(_) => self.mistakes.error(place, "an empty pattern"),
                Err(error) => self.mistakes.error(place, format!("not a pattern: {}", error.kind())),
            }
        }
        globs
    }
}

/// What earlier keys have.
#[derive(Default)]
struct Seen {
    names: HashMap<String, String>,
    digests: HashMap<[u8; 32], String>,
}

fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    bare && url.has_host()
}

fn begins_as_pem(path: &Path) -> std::io::Result<bool> {
    let mut start = Vec::new();
    // Certificates may have a page of explanation before them.
    File::open(path)?.take(64 * 1024).read_to_end(&mut start)?;
    Ok(String::from_utf8_lossy(&start).contains("-----BEGIN "))
}

fn decode_hex(hex: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = hex.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}
