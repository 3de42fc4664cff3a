//! A collector in the test's hands: takes traces over HTTP or gRPC, and decodes them with the protocol's own types.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;

use crate::server::soon;

/// What a collector does with a batch.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Take,
    /// This status, and `Retry-After` in seconds if there is one.
    Status(u16, Option<u64>),
    /// Nothing, ever.
    Hang,
}

/// A batch as it came in.
pub struct Batch {
    pub headers: HeaderMap,
    pub request: ExportTraceServiceRequest,
}

#[derive(Clone)]
struct Desk {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    batches: Arc<Mutex<Vec<Batch>>>,
    came: Arc<watch::Sender<usize>>,
}

pub struct Collector {
    pub address: SocketAddr,
    desk: Desk,
    task: JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Collector {
    pub async fn http() -> Collector {
        Collector::replying([]).await
    }

    /// Does this, in turn, and then takes everything.
    pub async fn replying(replies: impl IntoIterator<Item = Reply>) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Collector::serving(listener, replies)
    }

    /// At `listener`.
    pub fn serving(listener: TcpListener, replies: impl IntoIterator<Item = Reply>) -> Collector {
        let (address, desk) = (listener.local_addr().expect("bound"), Desk::new(replies));
        let router = Router::new().route("/v1/traces", post(take)).with_state(desk.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Collector { address, desk, task }
    }

    /// Over gRPC, served by an implementation that is not ours.
    pub async fn grpc() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (address, desk) = (listener.local_addr().expect("bound"), Desk::new([]));
        let service = TraceServiceServer::new(desk.clone());
        let serving = tonic::transport::Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
        let task = tokio::spawn(async move { serving.await.expect("a server") });
        Collector { address, desk, task }
    }

    /// `telemetry:` of a gateway that exports here over HTTP; `more` are keys beside the endpoint.
    pub fn config(&self, more: &str) -> String {
        format!("telemetry: {{ otlp: {{ endpoint: \"http://{}\", protocol: http/protobuf{more} }} }}\n", self.address)
    }

    /// How many batches came, whatever became of them.
    pub fn count(&self) -> usize {
        *self.desk.came.borrow()
    }

    /// Waits until so many batches have come, whatever becomes of them.
    pub async fn came(&self, count: usize) {
        let mut came = self.desk.came.subscribe();
        soon("a batch", came.wait_for(|came| *came >= count)).await.expect("a collector");
    }

    /// What was taken so far, as trees.
    pub fn spans(&self) -> Vec<Seen> {
        let batches = self.desk.batches.lock().expect("no panic");
        let resources = batches.iter().flat_map(|batch| &batch.request.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans).map(Seen::new).collect()
    }

    /// What was taken, batch by batch.
    pub fn with_batches<T>(&self, look: impl FnOnce(&[Batch]) -> T) -> T {
        look(&self.desk.batches.lock().expect("no panic"))
    }
}

impl Desk {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Desk {
        let replies = Arc::new(Mutex::new(replies.into_iter().collect()));
        Desk { replies, batches: Arc::default(), came: Arc::new(watch::Sender::new(0)) }
    }

    fn next(&self) -> Reply {
        self.came.send_modify(|came| *came += 1);
        self.replies.lock().expect("no panic").pop_front().unwrap_or(Reply::Take)
    }

    fn take(&self, headers: HeaderMap, request: ExportTraceServiceRequest) {
        self.batches.lock().expect("no panic").push(Batch { headers, request });
    }
}

async fn take(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> Response {
    let request = ExportTraceServiceRequest::decode(body).expect("a batch");
    match desk.next() {
        Reply::Take => {
            desk.take(headers, request);
            ([("content-type", "application/x-protobuf")], ExportTraceServiceResponse::default().encode_to_vec()).into_response()
        }
        Reply::Status(status, wait) => {
            let mut response = StatusCode::from_u16(status).expect("a status").into_response();
            if let Some(wait) = wait {
                response.headers_mut().insert("retry-after", wait.into());
            }
            response
        }
        Reply::Hang => std::future::pending().await,
    }
}

#[tonic::async_trait]
impl TraceService for Desk {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        self.next();
        self.take(metadata.into_headers(), request);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

/// A span, ready to be looked at.
#[derive(Clone, Debug)]
pub struct Seen {
    pub name: String,
    pub kind: SpanKind,
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub begun: Duration,
    pub ended: Duration,
    /// Attributes as text.
    pub says: HashMap<String, String>,
    /// Names of events, their attributes, and when.
    pub events: Vec<(String, HashMap<String, String>, Duration)>,
    /// The status: empty unless it is an error, then its message.
    pub error: Option<String>,
    pub span: Span,
}

impl Seen {
    fn new(span: &Span) -> Seen {
        let events = span.events.iter();
        let events = events.map(|event| (event.name.clone(), read(&event.attributes), Duration::from_nanos(event.time_unix_nano)));
        Seen {
            name: span.name.clone(),
            kind: span.kind(),
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            begun: Duration::from_nanos(span.start_time_unix_nano),
            ended: Duration::from_nanos(span.end_time_unix_nano),
            says: read(&span.attributes),
            events: events.collect(),
            error: span.status.as_ref().map(|status| status.message.clone()),
            span: span.clone(),
        }
    }

    /// What is said under `name`; empty: nothing.
    pub fn says(&self, name: &str) -> &str {
        self.says.get(name).map_or("", String::as_str)
    }

    pub fn event_names(&self) -> Vec<&str> {
        self.events.iter().map(|(name, ..)| name.as_str()).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(attributes: &[KeyValue]) -> HashMap<String, String> {
    let read: HashMap<String, String> =
        attributes.iter().map(|one| (one.key.clone(), one.value.as_ref().map(text).unwrap_or_default())).collect();
    assert_eq!(read.len(), attributes.len(), "a name stands twice: {attributes:?}");
    read
}

fn text(value: &AnyValue) -> String {
    match value.value.as_ref().expect("a value") {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(value) => value.to_string(),
        Value::IntValue(value) => value.to_string(),
        Value::DoubleValue(value) => value.to_string(),
        Value::ArrayValue(list) => list.values.iter().map(text).collect::<Vec<_>>().join(" | "),
        other => panic!("{other:?}"),
    }
}
