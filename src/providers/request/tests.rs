//! Logins over loopback, and tokens under a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, Method};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::advance;
use url::Url;

use crate::config::{Login, LoginBody, ProviderKind, RequestAuth, Secret};
use crate::providers::registry::{Shared, build};
use crate::providers::tokens::{LoginFailure, TokenState, TokenStore};
use crate::providers::{Call, CredentialId, Provider, ProviderError, Refusal, Retry, Target};
use crate::transport::Payload;
use crate::transport::testing::{accept, listen, provider, read_request};

const CACHE: Duration = Duration::from_secs(8 * 60 * 60);
const REFUSED: Refusal<'static> = Refusal::Credential { rest: Duration::from_secs(60) };

fn login(url: &str) -> Login {
    Login {
        url: Url::parse(&format!("{url}/auth")).unwrap(),
        username: "u&u".to_owned(),
        password: Secret::new("p\"p"),
        cache: CACHE,
        body: LoginBody::Json,
        token_pointer: "/access_token".to_owned(),
    }
}

fn logged_in(login: &Login, shared: &Shared) -> Arc<dyn Provider> {
    let mut config = provider("http://upstream.invalid/v1");
    config.kind = ProviderKind::Request(RequestAuth::Login(login.clone()));
    build(&config, shared).unwrap().provider
}

async fn sign(provider: &dyn Provider) -> Result<(CredentialId, String), ProviderError> {
    let call = Call { target: Target::Models, method: &Method::GET, model: "", stream: false, headers: &HeaderMap::new() };
    let mut head = provider.head(&call).unwrap();
    let credential = provider.sign(&mut head, "", &Payload::empty()).await?;
    Ok((credential, head.headers["authorization"].to_str().unwrap().to_owned()))
}

/// Answers the nth login with `answer(n)` (status line and body); tells what it heard.
async fn authority(answer: Answer) -> (String, mpsc::Receiver<String>) {
    let (listener, url) = listen("http").await;
    let (heard, hears) = mpsc::channel(100);
    let count = Arc::new(AtomicUsize::new(0));
    accept(listener, move |mut stream| {
        let (heard, count) = (heard.clone(), count.clone());
        async move {
            while let Some(request) = read_request(&mut stream).await {
                heard.send(request).await.unwrap();
                let (status, body) = answer(count.fetch_add(1, Ordering::Relaxed) + 1);
                let reply = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        }
    });
    (url, hears)
}

fn numbered(number: usize) -> (&'static str, String) {
    ("200 OK", format!(r#"{{"access_token": "token-{number}", "data": [{{"t/x": "deep-{number}"}}]}}"#))
}

#[tokio::test]
async fn a_login_is_made_once_and_its_token_is_used_again() {
    let (url, mut hears) = authority(numbered).await;
    let shared = Shared::default();
    let provider = logged_in(&login(&url), &shared);
    let (first, bearer) = sign(&*provider).await.unwrap();
    assert_eq!(bearer, "Bearer token-1");
    assert_eq!(sign(&*provider).await.unwrap(), (first, bearer));
    let request = hears.recv().await.unwrap();
    assert!(request.starts_with("POST /auth HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("content-type: application/json\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"username\":\"u&u\",\"password\":\"p\\\"p\"}"), "{request}");
    let reloaded = logged_in(&login(&url), &shared);
    assert_eq!(sign(&*reloaded).await.unwrap().1, "Bearer token-1");
    assert!(hears.try_recv().is_err(), "a second login");
}

#[tokio::test]
async fn a_form_is_sent_and_a_pointer_is_followed() {
    let (url, mut hears) = authority(numbered).await;
    let mut login = login(&url);
    login.body = LoginBody::Form;
    login.token_pointer = "/data/0/t~1x".to_owned();
    let provider = logged_in(&login, &Shared::default());
    assert_eq!(sign(&*provider).await.unwrap().1, "Bearer deep-1");
    let request = hears.recv().await.unwrap();
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nusername=u%26u&password=p%22p"), "{request}");
}

#[tokio::test]
async fn a_refused_token_is_replaced() {
    let (url, _hears) = authority(numbered).await;
    let provider = logged_in(&login(&url), &Shared::default());
    let (first, _) = sign(&*provider).await.unwrap();
    assert_eq!(provider.refused(first, &REFUSED), Retry::Another);
    let (second, bearer) = sign(&*provider).await.unwrap();
    assert_eq!(bearer, "Bearer token-2");
    // Late news of the first token do not harm the second.
    assert_eq!(provider.refused(first, &REFUSED), Retry::Another);
    assert_eq!(sign(&*provider).await.unwrap().0, second);
    let limited = Refusal::RateLimited { model: "m", rest: Duration::from_secs(1) };
    assert_eq!(provider.refused(second, &limited), Retry::No);
    assert_eq!(sign(&*provider).await.unwrap().0, second);
}

type Answer = fn(usize) -> (&'static str, String);

#[tokio::test]
async fn a_failed_login_says_why_and_whether_it_was_refused() {
    let cases: [(Answer, &str, bool); 4] = [
        (|_| ("401 No", String::new()), "login failed: it was answered with 401 Unauthorized", true),
        (|_| ("500 Oh", String::new()), "login failed: it was answered with 500 Internal Server Error", false),
        (|_| ("200 OK", "<html>".to_owned()), "login failed: its reply is not JSON", false),
        (|_| ("200 OK", r#"{"access_token": 7}"#.to_owned()), "login failed: its reply has no text at `/access_token`", false),
    ];
    for (answer, message, is_refused) in cases {
        let (url, _hears) = authority(answer).await;
        let error = sign(&*logged_in(&login(&url), &Shared::default())).await.unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(matches!(error, ProviderError::Login { refused, .. } if refused == is_refused));
    }
}

type Yield = Result<Secret, LoginFailure>;

/// A login that counts, and waits for a permit of `gate`.
fn gated<'a>(count: &'a AtomicUsize, gate: &'a Semaphore, yields: fn(usize) -> Yield) -> BoxFuture<'a, Yield> {
    async move {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        gate.acquire().await.unwrap().forget();
        yields(number)
    }
    .boxed()
}

/// The results of fifty callers that all come before the first login ends.
async fn fifty(state: &TokenState, count: &AtomicUsize, yields: fn(usize) -> Yield) -> Vec<Result<String, String>> {
    let gate = Semaphore::new(0);
    let callers = stream::iter(0..50).map(|_| state.token("p", CACHE, gated(count, &gate, yields)));
    let mut callers = callers.buffer_unordered(50);
    // Polls all of them once; nobody can be done yet.
    assert!(callers.next().now_or_never().is_none());
    gate.add_permits(50);
    let results: Vec<_> = callers.collect().await;
    let bearer = |result: Result<(_, http::HeaderValue), LoginFailure>| match result {
        Ok((_, bearer)) => Ok(bearer.to_str().unwrap().to_owned()),
        Err(failure) => Err(failure.reason),
    };
    results.into_iter().map(bearer).collect()
}

#[tokio::test(start_paused = true)]
async fn fifty_callers_share_one_login() {
    let (state, count) = (TokenState::default(), AtomicUsize::new(0));
    let results = fifty(&state, &count, |number| Ok(Secret::new(format!("t{number}")))).await;
    assert!(results.iter().all(|result| result.as_deref() == Ok("Bearer t1")), "{results:?}");
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn fifty_callers_share_one_failure_and_the_next_tries_again() {
    let (state, count) = (TokenState::default(), AtomicUsize::new(0));
    let fails = |number| Err(LoginFailure { reason: format!("no {number}"), refused: true });
    let results = fifty(&state, &count, fails).await;
    assert!(results.iter().all(|result| *result == Err("no 1".to_owned())), "{results:?}");
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let again = state.token("p", CACHE, async { Ok(Secret::new("t")) }).await;
    assert_eq!(again.unwrap().1, "Bearer t");
}

#[tokio::test(start_paused = true)]
async fn a_login_whose_caller_leaves_is_made_by_the_next() {
    let (state, count, gate) = (TokenState::default(), AtomicUsize::new(0), Semaphore::new(0));
    let yields = |number| Ok(Secret::new(format!("t{number}")));
    let mut first = state.token("p", CACHE, gated(&count, &gate, yields)).boxed();
    assert!((&mut first).now_or_never().is_none());
    let mut second = state.token("p", CACHE, gated(&count, &gate, yields)).boxed();
    assert!((&mut second).now_or_never().is_none());
    drop(first);
    gate.add_permits(1);
    assert_eq!(second.await.unwrap().1, "Bearer t2");
}

#[tokio::test(start_paused = true)]
async fn a_token_expires() {
    let state = TokenState::default();
    let token = async |name: &'static str| state.token("p", CACHE, async move { Ok(Secret::new(name)) }).await.unwrap();
    assert_eq!(token("one").await.1, "Bearer one");
    advance(CACHE - Duration::from_secs(1)).await;
    assert_eq!(token("two").await.1, "Bearer one");
    advance(Duration::from_secs(1)).await;
    assert_eq!(token("three").await.1, "Bearer three");
}

#[test]
fn another_auth_block_has_another_token() {
    let store = TokenStore::default();
    let one = login("http://a.example");
    let mut other = one.clone();
    other.username = "somebody else".to_owned();
    let state = store.state(&one);
    assert!(Arc::ptr_eq(&state, &store.state(&one)));
    assert!(!Arc::ptr_eq(&state, &store.state(&other)));
}
