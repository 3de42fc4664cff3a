//! AWS's own credentials file, as its command line writes it.

use std::path::PathBuf;

use super::AwsKeys;
use super::env::Env;
use super::secret::Secret;

/// Where the file is: where its own variable says, else in the home directory.
pub fn credentials_file(env: &Env) -> Option<PathBuf> {
    let home = || env.get_filled("HOME").or_else(|| env.get_filled("USERPROFILE"));
    let named = env.get_filled("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
    Some(env.current_dir().join(named.or_else(|| Some(PathBuf::from(home()?).join(".aws/credentials")))?))
}

/// The keys that the environment itself holds.
pub fn keys_of_environment(env: &Env) -> Option<AwsKeys> {
    let secret = |name| env.get_filled(name).map(|value| Secret::new(value.trim()));
    Some(AwsKeys {
        access_key_id: secret("AWS_ACCESS_KEY_ID")?,
        secret_access_key: secret("AWS_SECRET_ACCESS_KEY")?,
        session_token: secret("AWS_SESSION_TOKEN"),
    })
}

/// The keys of `profile` in `text`. A profile that only says how to get some has none.
pub fn keys_of_profile(text: &str, profile: &str) -> Option<AwsKeys> {
    let secret = |key| setting(text, profile, key).map(Secret::new);
    Some(AwsKeys {
        access_key_id: secret("aws_access_key_id")?,
        secret_access_key: secret("aws_secret_access_key")?,
        session_token: secret("aws_session_token"),
    })
}

/// What `key` is set to below `[section]`; the last one counts, as for AWS.
fn setting<'t>(text: &'t str, section: &str, key: &str) -> Option<&'t str> {
    let (mut is_inside, mut found) = (false, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            is_inside = name.trim() == section;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_inside)
            && name.trim().eq_ignore_ascii_case(key)
            && !value.trim().is_empty()
        {
            found = Some(value.trim());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{credentials_file, keys_of_environment, keys_of_profile};
    use crate::config::Env;

    const FILE: &str = "
# [default]
[default]
aws_access_key_id = AKIDEFAULT
aws_secret_access_key=wJalr=XUtn/FEMI

[ work ]
; aws_access_key_id = AKIOLD
AWS_ACCESS_KEY_ID = AKIWORK
aws_secret_access_key = secret
aws_session_token = token==
[sso]
sso_session = company
aws_access_key_id =
";

    #[test]
    fn a_profile_has_its_own_keys_and_nobody_elses() {
        let keys = |profile| {
            let keys = keys_of_profile(FILE, profile)?;
            let token = keys.session_token.map(|token| token.expose().to_owned());
            Some((keys.access_key_id.expose().to_owned(), keys.secret_access_key.expose().to_owned(), token))
        };
        assert_eq!(keys("default"), Some(("AKIDEFAULT".to_owned(), "wJalr=XUtn/FEMI".to_owned(), None)));
        assert_eq!(keys("work"), Some(("AKIWORK".to_owned(), "secret".to_owned(), Some("token==".to_owned()))));
        assert_eq!(keys("sso"), None);
        assert_eq!(keys("nobody"), None);
    }

    #[test]
    fn the_environment_says_where_and_who() {
        let file = |variables: &[(&str, &str)]| credentials_file(&Env::for_tests(variables, "/here"));
        assert_eq!(file(&[("HOME", "/home/a")]), Some("/home/a/.aws/credentials".into()));
        assert_eq!(file(&[("HOME", "/home/a"), ("AWS_SHARED_CREDENTIALS_FILE", "keys")]), Some("/here/keys".into()));
        assert_eq!(file(&[]), None);
        let half = Env::for_tests(&[("AWS_ACCESS_KEY_ID", "AKI"), ("AWS_SECRET_ACCESS_KEY", " ")], "/");
        assert_eq!(keys_of_environment(&half), None);
    }
}
