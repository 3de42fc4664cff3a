//! OpenAI-shaped bodies behind a token that a login yields.
//!
//! A fixed token is a key like any other, and is handled by [`super::openai`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::address::{AGENT, Address};
use super::speaks::{Asked, Speech};
use super::tokens::{LoginFailure, TokenState};
use super::{Call, CredentialId, Provider, ProviderError, Refusal, Retry};
use crate::config::{self, Login, LoginBody, Secret};
use crate::hub::{Kind, Quirks};
use crate::transport::{Control, Payload};

/// A login is one small request; what takes longer will not come.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// One account whose token must be fetched.
pub struct LoggedIn {
    name: Arc<str>,
    address: Address,
    login: Login,
    token: Arc<TokenState>,
    control: Control,
    speech: Speech,
}

impl LoggedIn {
    /// The provider that `config` describes; logs in over `control` as `login` says when `token` holds none.
    pub fn new(config: &config::Provider, login: &Login, token: Arc<TokenState>, control: Control) -> Result<LoggedIn, ProviderError> {
        let (name, login) = (config.name.clone(), login.clone());
        Ok(LoggedIn { name, address: Address::new(config)?, login, token, control, speech: Speech::of(config) })
    }

    async fn log_in(&self) -> Result<Secret, LoginFailure> {
        let failure = |reason: String| LoginFailure { reason, refused: false };
        let request = request(&self.login).map_err(|_| failure("its URL is not a URI".to_owned()))?;
        let reply = self.control.send(request, LOGIN_TIMEOUT).await.map_err(|error| failure(error.to_string()))?;
        let status = reply.status();
        if !status.is_success() {
            let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            return Err(LoginFailure { reason: format!("it was answered with {status}"), refused });
        }
        let value: Value = serde_json::from_slice(reply.body()).map_err(|_| failure("its reply is not JSON".to_owned()))?;
        match value.pointer(&self.login.token_pointer).and_then(Value::as_str) {
            Some(token) if !token.is_empty() => Ok(Secret::new(token)),
            _ => Err(failure(format!("its reply has no text at `{}`", self.login.token_pointer))),
        }
    }

    async fn authorize(&self, head: &mut Parts) -> Result<CredentialId, ProviderError> {
        let (credential, bearer) = self.token.token(&self.name, self.login.cache, self.log_in()).await?;
        head.headers.insert(AUTHORIZATION, bearer);
        Ok(credential)
    }
}

impl Provider for LoggedIn {
    fn speaks(&self, call: &Asked<'_>) -> &'static [Kind] {
        self.speech.dialects(call)
    }

    fn quirks(&self) -> &Quirks {
        self.speech.quirks()
    }

    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        self.address.head(call)
    }

    fn sign<'a>(&'a self, head: &'a mut Parts, _: &'a str, _: &'a Payload) -> BoxFuture<'a, Result<CredentialId, ProviderError>> {
        Box::pin(self.authorize(head))
    }

    /// A refused token is forgotten; the next request logs in. The caller bounds how often it asks again: a login may
    /// well yield the next token that is refused.
    fn refused(&self, used: CredentialId, refusal: &Refusal<'_>) -> Retry {
        match refusal {
            Refusal::Credential { .. } => {
                self.token.forget(&self.name, used);
                Retry::Another
            }
            Refusal::RateLimited { .. } => Retry::No,
        }
    }

    fn credentials(&self) -> (usize, usize) {
        (0, 1)
    }
}

fn request(login: &Login) -> http::Result<Request<Bytes>> {
    let (username, password) = (login.username.as_str(), login.password.expose());
    let (kind, body) = match login.body {
        LoginBody::Json => ("application/json", json!({"username": username, "password": password}).to_string()),
        LoginBody::Form => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("username", username).append_pair("password", password);
            ("application/x-www-form-urlencoded", form.finish())
        }
    };
    Request::post(login.url.as_str())
        .header(CONTENT_TYPE, kind)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, AGENT)
        .body(Bytes::from(body))
}

#[cfg(test)]
mod tests;
