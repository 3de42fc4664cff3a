//! Answers every request that names a model.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;

use crate::engine::Job;
use crate::hub::{Endpoint, MediaType};
use crate::server::body::{self, Limits};
use crate::server::caller::authenticate;
use crate::server::error::Rejection;
use crate::server::keepalive;
use crate::server::reply;
use crate::server::state::{App, Arrival};

/// Reads the request whole, asks the engine, answers. Dropping the future, when the client leaves, cancels all of it.
/// `headers` are used up.
pub(super) async fn answer(app: &App, endpoint: Endpoint, arrival: &Arrival, headers: &mut HeaderMap, body: Body) -> Response {
    let read = read(endpoint, arrival, headers, body).await;
    // A job is large, and gone before anything is waited for.
    let accepting = match read.map(|job| app.engine.accept(job)) {
        Ok(accepting) => accepting,
        Err(rejection) => return rejection.into_response(),
    };
    let accepted = match accepting.await {
        Ok(accepted) => accepted,
        Err(error) => return reply::metered(Err(error)),
    };
    if accepted.is_stream() {
        return keepalive::answer(accepted, arrival.snapshot.config.server.keepalive, &app.shutdown).await;
    }
    reply::metered(accepted.answer().await)
}

async fn read(endpoint: Endpoint, arrival: &Arrival, headers: &mut HeaderMap, body: Body) -> Result<Job, Rejection> {
    let caller = authenticate(&arrival.snapshot.keys, headers, arrival.client)?;
    check_content_type(endpoint, headers)?;
    let body = body::read(headers, body, Limits::of(arrival)).await?;
    let Arrival { id, client, received, snapshot } = arrival.clone();
    Ok(Job { snapshot, id, endpoint, caller, client: Some(client), headers: std::mem::take(headers), body, received })
}

/// Files are sent as multipart, all else as JSON; image edits as either. No type at all passes: the body speaks for itself.
fn check_content_type(endpoint: Endpoint, headers: &HeaderMap) -> Result<(), Rejection> {
    let Some(media_type) = MediaType::of(headers) else { return Ok(()) };
    let (takes, expected) = match endpoint {
        Endpoint::AudioTranscriptions | Endpoint::AudioTranslations | Endpoint::ImageVariations => {
            (media_type.is_multipart(), "multipart/form-data")
        }
        Endpoint::ImageEdits => (media_type.is_multipart() || media_type.is_json(), "multipart/form-data or application/json"),
        _ => (media_type.is_json(), "application/json"),
    };
    if takes {
        return Ok(());
    }
    Err(Rejection::UnsupportedMediaType(format!("content type `{media_type}` is not taken here; send `{expected}`")))
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue};

    use super::check_content_type;
    use crate::hub::Endpoint;

    #[test]
    fn each_endpoint_takes_its_content_types() {
        let takes = |endpoint, text: &'static str| {
            check_content_type(endpoint, &HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))])).is_ok()
        };
        for (endpoint, json, multipart) in [
            (Endpoint::ChatCompletions, true, false),
            (Endpoint::Embeddings, true, false),
            (Endpoint::AudioSpeech, true, false),
            (Endpoint::AudioTranscriptions, false, true),
            (Endpoint::ImageEdits, true, true),
        ] {
            assert_eq!(takes(endpoint, "application/json; charset=utf-8"), json, "{endpoint:?}");
            assert_eq!(takes(endpoint, "multipart/form-data; boundary=x"), multipart, "{endpoint:?}");
            assert!(!takes(endpoint, "text/plain") && !takes(endpoint, ""), "{endpoint:?}");
            assert!(check_content_type(endpoint, &HeaderMap::new()).is_ok());
        }
    }
}
