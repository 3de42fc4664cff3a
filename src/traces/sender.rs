//! One batch to the collector: as OTLP over HTTP or over gRPC, and what the reply means.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue, TE, USER_AGENT};
use http::{HeaderMap, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use super::grpc::{self, Went};
use crate::config::{Otlp, OtlpProtocol};
use crate::hub::retry_after;
use crate::transport::Control;

/// OpenTelemetry's default for a whole export.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A collector is near; what takes longer will not come.
const CONNECT: Duration = Duration::from_secs(5);

/// How OTLP's specification wants exporters to call themselves.
const AGENT: &str = concat!("OTel-OTLP-Exporter-llmgw/", env!("CARGO_PKG_VERSION"));

/// What came of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was taken, but for so many spans, for this reason.
    Taken {
        /// Spans that were not taken.
        rejected: u64,
        /// Why.
        reason: String,
    },
    /// It was not; it may be later, after this long if the collector says so.
    Again {
        /// How long the collector asks to be left alone.
        after: Option<Duration>,
        /// What went wrong.
        reason: String,
    },
    /// It was not, and never will be.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Takes batches.
pub(super) trait Collector: Send + Sync {
    /// Sends `batch`, an `ExportTraceServiceRequest`, once.
    fn send(&self, batch: Bytes) -> BoxFuture<'_, Sent>;
}

/// A collector at an address.
pub(super) struct Sender {
    control: Control,
    url: String,
    protocol: OtlpProtocol,
    headers: HeaderMap,
}

impl Sender {
    /// As `otlp` says. Connects to nothing.
    pub(super) fn new(otlp: &Otlp) -> Sender {
        let mut headers: HeaderMap = otlp.headers.iter().cloned().collect();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let url = match otlp.protocol {
            OtlpProtocol::Http => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
                otlp.endpoint.to_string()
            }
            OtlpProtocol::Grpc => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
                headers.insert(TE, HeaderValue::from_static("trailers"));
                let mut url = otlp.endpoint.clone();
                url.set_path(grpc::PATH);
                url.to_string()
            }
        };
        let control = Control::through(otlp.proxy.clone(), CONNECT, otlp.protocol == OtlpProtocol::Grpc);
        Sender { control, url, protocol: otlp.protocol, headers }
    }

    async fn exchange(&self, batch: Bytes) -> Sent {
        let body = if self.protocol == OtlpProtocol::Grpc { grpc::framed(&batch) } else { batch };
        let request = Request::post(&self.url).body(body);
        let mut request = match request {
            Ok(request) => request,
            Err(error) => return Sent::Refused { reason: error.to_string() },
        };
        *request.headers_mut() = self.headers.clone();
        match self.control.send(request, TIMEOUT).await {
            Ok(response) if self.protocol == OtlpProtocol::Grpc => match grpc::read(&response) {
                Went::Well(message) => taken(&message),
                Went::Again(after, reason) => Sent::Again { after, reason },
                Went::Wrong(reason) => Sent::Refused { reason },
            },
            Ok(response) => judged(&response),
            Err(error) => Sent::Again { after: None, reason: error.to_string() },
        }
    }
}

impl Collector for Sender {
    fn send(&self, batch: Bytes) -> BoxFuture<'_, Sent> {
        self.exchange(batch).boxed()
    }
}

/// What a reply over HTTP says; which statuses are worth another try is OTLP's list.
fn judged(response: &Response<Bytes>) -> Sent {
    let status = response.status();
    match status.as_u16() {
        200..=299 => taken(response.body()),
        429 | 502..=504 => {
            Sent::Again { after: retry_after(response.headers(), SystemTime::now()), reason: format!("HTTP status {status}") }
        }
        404 => Sent::Refused { reason: format!("HTTP status {status}: is this a collector's address for HTTP?") },
        _ => Sent::Refused { reason: format!("HTTP status {status}") },
    }
}

/// What an accepting reply says of spans that were not accepted. Some collectors answer with JSON, or with nothing.
fn taken(message: &[u8]) -> Sent {
    let partial = ExportTraceServiceResponse::decode(message).ok().and_then(|response| response.partial_success).unwrap_or_default();
    Sent::Taken { rejected: u64::try_from(partial.rejected_spans).unwrap_or_default(), reason: partial.error_message }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::Response;
    use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
    use prost::Message;

    use super::{Sent, judged};

    fn reply(status: u16, body: impl Into<Bytes>) -> Sent {
        judged(&Response::builder().status(status).header("retry-after", "7").body(body.into()).unwrap())
    }

    #[test]
    fn statuses_say_whether_it_is_worth_another_try() {
        let taken = Sent::Taken { rejected: 0, reason: String::new() };
        assert_eq!([reply(200, ""), reply(202, "{}")], [&taken, &taken].map(|_| Sent::Taken { rejected: 0, reason: String::new() }));
        for status in [429, 502, 503, 504] {
            assert!(matches!(reply(status, ""), Sent::Again { after: Some(wait), .. } if wait == Duration::from_secs(7)), "{status}");
        }
        for status in [301, 400, 401, 404, 413, 500, 501] {
            assert!(matches!(reply(status, ""), Sent::Refused { .. }), "{status}");
        }
    }

    #[test]
    fn spans_that_were_not_taken_are_seen() {
        let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "too old".to_owned() };
        let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(reply(200, body), Sent::Taken { rejected: 3, reason: "too old".to_owned() });
    }
}
