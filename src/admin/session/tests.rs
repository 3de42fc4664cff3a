use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::advance;

use super::{COOKIE_NAME, Csrf, LASTS, MOST, Owner, Sessions, cookie};
use crate::config::Secret;

fn key() -> Secret {
    Secret::new("admin-1")
}

fn with(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::try_from(format!("{COOKIE_NAME}={token}")).unwrap())])
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_by_itself_by_signing_out_and_with_its_key() {
    let sessions = Sessions::default();
    let tokens: Vec<String> = (0..3).map(|_| sessions.begin(&key())).collect();
    let alive = || tokens.iter().map(|token| sessions.of(&with(token), &key()).is_some()).collect::<Vec<_>>();
    assert_eq!(alive(), [true, true, true]);
    let first = sessions.of(&with(&tokens[0]), &key()).unwrap();
    sessions.end(&first);
    assert_eq!((alive(), first.over.is_cancelled()), (vec![false, true, true], true));
    advance(LASTS - Duration::from_secs(1)).await;
    assert_eq!(alive(), [false, true, true]);
    let second = sessions.of(&with(&tokens[1]), &key()).unwrap();
    sessions.keep_those_of(Some(&key()));
    assert!(!second.over.is_cancelled());
    advance(Duration::from_secs(1)).await;
    assert_eq!(alive(), [false, false, false]);
    let fresh = sessions.begin(&key());
    let session = sessions.of(&with(&fresh), &key()).unwrap();
    sessions.keep_those_of(Some(&Secret::new("admin-2")));
    assert!(session.over.is_cancelled() && sessions.of(&with(&fresh), &key()).is_none());
    assert!(second.over.is_cancelled(), "what is over gives way to what begins");
}

#[tokio::test(start_paused = true)]
async fn the_oldest_session_gives_way() {
    let sessions = Sessions::default();
    let mut tokens = Vec::new();
    for _ in 0..=MOST {
        tokens.push(sessions.begin(&key()));
        advance(Duration::from_millis(1)).await;
    }
    assert_eq!(sessions.lock().len(), MOST);
    let has = |token: &String| sessions.of(&with(token), &key()).is_some();
    assert!(!has(&tokens[0]) && tokens[1..].iter().all(has));
}

#[tokio::test]
async fn tokens_are_long_random_and_kept_as_digests() {
    let sessions = Sessions::default();
    let (one, other) = (sessions.begin(&key()), sessions.begin(&key()));
    assert!(one.len() == 43 && other.len() == 43 && one != other);
    let kept = format!("{:?}", sessions.lock());
    assert!(!kept.contains(&one) && !kept.contains("admin-1"));
}

#[tokio::test]
async fn a_form_is_good_for_its_owner_and_its_process() {
    let (csrf, elsewhere, sessions) = (Csrf::new(), Csrf::new(), Sessions::default());
    let sessions: Vec<_> = (0..2).map(|_| sessions.of(&with(&sessions.begin(&key())), &key()).unwrap()).collect();
    let owners = [Owner::Session(&sessions[0]), Owner::Session(&sessions[1]), Owner::Machine, Owner::Nobody];
    for (mine, owner) in owners.iter().enumerate() {
        let token = csrf.token(*owner);
        for (other, somebody) in owners.iter().enumerate() {
            assert_eq!(csrf.admits(*somebody, &token), mine == other);
        }
        assert!(!elsewhere.admits(*owner, &token) && !csrf.admits(*owner, "") && !csrf.admits(*owner, &token[1..]));
    }
}

#[test]
fn a_cookie_is_found_among_others_and_by_its_whole_name() {
    let mut headers = with("one; x=2");
    headers.append(http::header::COOKIE, HeaderValue::from_static("llmgw_lang=zh-CN;y=a=b"));
    let values = [COOKIE_NAME, "x", "llmgw_lang", "y", "session", ""].map(|name| cookie(&headers, name));
    assert_eq!(values, [Some("one"), Some("2"), Some("zh-CN"), Some("a=b"), None, None]);
}
