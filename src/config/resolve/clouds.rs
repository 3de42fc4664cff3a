//! What Azure, Bedrock and Vertex AI need to know besides an address and a key.

use std::fs;

use url::Url;

use super::Resolver;
use crate::config::aws::{credentials_file, keys_of_environment, keys_of_profile};
use crate::config::defaults::VERTEX_LOCATION;
use crate::config::file::ProviderFile;
use crate::config::leaves::{SecretText, UrlText, reason};
use crate::config::read::Place;
use crate::config::{AwsKeys, AzureApi, Bedrock, Secret, Vertex};

impl Resolver<'_, '_> {
    /// Which of Azure's APIs is meant, and whether the address is one of it.
    pub(super) fn azure(&mut self, file: &ProviderFile) -> AzureApi {
        let address = file.base_url.placed().map(|(UrlText(url), place)| (url.path().trim_end_matches('/'), place));
        if let Some((path, place)) = address
            && path.contains("/deployments")
        {
            let hint = "end the address before `/openai`; the deployment is the model's name";
            self.mistakes.error_with(place, "this is the address of one deployment", hint);
        }
        let Some((date, place)) = file.api_version.placed() else { return AzureApi::V1 };
        if !is_dated(date) {
            let hint = "it is a date, such as `2024-10-21`; leave it out for the v1 API, which has none";
            self.mistakes.error_with(place, format!("`{date}` is no version of Azure's classic API"), hint);
        } else if address.is_some_and(|(path, _)| path.ends_with("/v1")) {
            let hint = "leave `api_version` out, or end `base_url` before `/openai`";
            self.mistakes.error_with(place, "the API at this `base_url` has no versions", hint);
        }
        AzureApi::Dated(date.clone())
    }

    /// Region and keys of a `bedrock` provider; `has_key`: it has an API key.
    pub(super) fn bedrock(&mut self, file: &ProviderFile, has_key: bool, place: &Place) -> Bedrock {
        let region = self.region(file).unwrap_or_else(|| {
            if file.region.is_unset() {
                let hint = "such as `region: us-east-1`; without it `AWS_REGION` counts";
                self.mistakes.error_with(place, "a `bedrock` provider needs a `region`", hint);
            }
            String::new()
        });
        let keys = self.aws_keys(file, has_key);
        let of_file = [&file.access_key_id, &file.secret_access_key, &file.session_token, &file.api_key];
        let says_nothing = of_file.iter().all(|setting| setting.is_unset()) && file.api_keys.is_unset() && file.profile.is_unset();
        // A header may be what a relay wants that signs by itself.
        if keys.is_none() && !has_key && says_nothing && file.headers.is_unset() {
            let hint = "add `api_key`, or `access_key_id` and `secret_access_key`, or `profile`; or set AWS's own variables";
            self.mistakes.warn(place, "without credentials Bedrock will refuse", hint);
        }
        Bedrock { region, keys }
    }

    /// The region that the file names, else the one of its address, else the environment's.
    pub(super) fn region(&mut self, file: &ProviderFile) -> Option<String> {
        if let Some((region, place)) = file.region.placed() {
            return self.word_of_host(region, place, "AWS region", "us-east-1").then(|| region.clone());
        }
        let host = file.base_url.value().and_then(|UrlText(url)| url.host_str());
        let of_host = host.and_then(|host| host.strip_prefix("bedrock-runtime")?.split('.').nth(1));
        let of_environment = || self.env.get_filled("AWS_REGION").or_else(|| self.env.get_filled("AWS_DEFAULT_REGION"));
        of_host.or_else(of_environment).map(str::trim).filter(|region| is_word_of_host(region)).map(str::to_owned)
    }

    /// The file's keys, else the environment's, else those of a profile; none where an API key does their work.
    fn aws_keys(&mut self, file: &ProviderFile, has_key: bool) -> Option<AwsKeys> {
        let of_file = [&file.access_key_id, &file.secret_access_key, &file.session_token].into_iter().find_map(|setting| setting.place());
        let other = of_file.or(file.profile.place());
        if let (true, Some(place)) = (has_key && !(file.api_key.is_unset() && file.api_keys.is_unset()), other) {
            self.mistakes.error_with(place, "an API key and an access key together", "keep one of the two");
            return None;
        }
        if let Some(place) = of_file {
            return self.aws_keys_of_file(file, place);
        }
        if has_key {
            return None;
        }
        if let Some((profile, place)) = file.profile.placed() {
            return self.aws_keys_of_profile(profile, Some(place));
        }
        let profile = self.env.get_filled("AWS_PROFILE").unwrap_or("default");
        keys_of_environment(self.env).or_else(|| self.aws_keys_of_profile(profile, None))
    }

    fn aws_keys_of_file(&mut self, file: &ProviderFile, place: &Place) -> Option<AwsKeys> {
        for (key, setting) in [("access_key_id", &file.access_key_id), ("secret_access_key", &file.secret_access_key)] {
            if setting.is_unset() {
                self.mistakes.error_with(place, format!("`{key}` is missing"), "an access key is `access_key_id` and `secret_access_key`");
            }
        }
        if let Some(place) = file.profile.place() {
            self.mistakes.error_with(place, "an access key and a profile together", "keep one of the two");
        }
        let secret = |setting: Option<&SecretText>| setting.map(|SecretText(secret)| Secret::new(secret.expose().trim()));
        Some(AwsKeys {
            access_key_id: secret(file.access_key_id.value())?,
            secret_access_key: secret(file.secret_access_key.value())?,
            session_token: secret(file.session_token.value()),
        })
    }

    /// The keys of `profile` in AWS's own file; `asked_for` where this file names it, and it is a mistake that there are none.
    fn aws_keys_of_profile(&mut self, profile: &str, asked_for: Option<&Place>) -> Option<AwsKeys> {
        let path = credentials_file(self.env)?;
        let read = fs::read_to_string(&path);
        if read.is_ok() {
            self.files.push(path.clone());
        }
        let keys = read.as_ref().ok().and_then(|text| keys_of_profile(text, profile));
        if let (None, Some(place)) = (&keys, asked_for) {
            let message = match &read {
                Ok(_) => format!("`{}` has no access key of the profile `{profile}`", path.display()),
                Err(error) => format!("the file `{}` cannot be read: {}", path.display(), reason(error)),
            };
            let hint = "keys of roles and of single sign-on are taken from the environment: `aws configure export-credentials`";
            self.mistakes.error_with(place, message, hint);
        }
        keys
    }

    /// Project and location of a `vertex` provider.
    pub(super) fn vertex(&mut self, file: &ProviderFile, place: &Place) -> Vertex {
        if file.project.is_unset() {
            self.mistakes.error_with(place, "a `vertex` provider needs a `project`", "the id of a Google Cloud project");
        }
        if let Some((project, place)) = file.project.placed()
            && !project.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':'))
        {
            self.mistakes.error(place, format!("`{project}` is no id of a project"));
        }
        if file.api_key.is_unset() && file.api_keys.is_unset() && file.headers.is_unset() {
            let hint = "add `api_key: ${VARIABLE}`; `gcloud auth print-access-token` prints one, good for an hour";
            self.mistakes.warn(place, "without an access token Vertex AI will refuse", hint);
        }
        Vertex { project: file.project.value().cloned().unwrap_or_default(), location: self.location(file) }
    }

    fn location(&mut self, file: &ProviderFile) -> String {
        let named = file.location.placed().filter(|(location, place)| self.word_of_host(location, place, "location", "us-east5"));
        named.map_or(VERTEX_LOCATION.to_owned(), |(location, _)| location.clone())
    }

    /// Whether `written` can be part of a host's name; notes it if not.
    fn word_of_host(&mut self, written: &str, place: &Place, what: &str, example: &str) -> bool {
        let is_one = is_word_of_host(written);
        if !is_one {
            self.mistakes.error_with(place, format!("`{written}` is no {what}"), format!("such as `{example}`"));
        }
        is_one
    }
}

/// Where Bedrock answers in `region`.
pub(super) fn bedrock_url(region: &str) -> Option<Url> {
    let ending = if region.starts_with("cn-") { ".cn" } else { "" };
    Url::parse(&format!("https://bedrock-runtime.{region}.amazonaws.com{ending}")).ok()
}

/// Where Vertex AI answers for `location`: the two continents have addresses of their own kind.
pub(super) fn vertex_url(location: &str) -> Option<Url> {
    let host = match location {
        "global" => "aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("aiplatform.{location}.rep.googleapis.com"),
        other => format!("{other}-aiplatform.googleapis.com"),
    };
    Url::parse(&format!("https://{host}")).ok()
}

fn is_word_of_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// `2024-10-21`, with or without a word such as `-preview` after it.
fn is_dated(text: &str) -> bool {
    let (date, word) = text.split_at_checked(10).unwrap_or_default();
    let is_date = date.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    let is_word = word.strip_prefix('-').is_some_and(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    !date.is_empty() && is_date && (word.is_empty() || is_word)
}
