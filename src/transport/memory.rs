//! [`Memory`]: a transport that is a function. For the mock, and for tests under a paused clock.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};

use super::{Payload, Transport, TransportError, UpstreamBody};

type Answer = BoxFuture<'static, Result<Response<UpstreamBody>, TransportError>>;

/// Answers requests by a function of theirs, once their body is complete.
pub struct Memory {
    answer: Box<dyn Fn(Request<Bytes>) -> Answer + Send + Sync>,
}

/// What a body does next.
#[derive(Debug)]
pub enum Step {
    /// Nothing, for this long.
    Wait(Duration),
    /// Hands over bytes.
    Send(Bytes),
    /// Breaks off.
    Fail(TransportError),
    /// Nothing, ever again.
    Hang,
}

impl Memory {
    /// Answers by `answer`.
    pub fn new(answer: impl Fn(Request<Bytes>) -> Answer + Send + Sync + 'static) -> Memory {
        Memory { answer: Box::new(answer) }
    }
}

impl Transport for Memory {
    fn send(&self, request: Request<Payload>) -> BoxFuture<'_, Result<Response<UpstreamBody>, TransportError>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            (self.answer)(Request::from_parts(head, body)).await
        })
    }
}

/// A body that is there at once.
pub fn whole(bytes: impl Into<Bytes>) -> UpstreamBody {
    Full::new(bytes.into()).map_err(TransportError::from).boxed_unsync()
}

/// A body that does `steps`, and ends with the last of them.
pub fn paced(steps: impl IntoIterator<Item = Step>) -> UpstreamBody {
    let steps: VecDeque<Step> = steps.into_iter().collect();
    let frames = stream::unfold(steps, async |mut steps| {
        loop {
            match steps.pop_front()? {
                Step::Wait(pause) => tokio::time::sleep(pause).await,
                Step::Send(bytes) => return Some((Ok(Frame::data(bytes)), steps)),
                Step::Fail(error) => return Some((Err(error), VecDeque::new())),
                Step::Hang => std::future::pending().await,
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use tokio::time::Instant;

    use super::{Step, paced};
    use crate::transport::TransportError;

    #[tokio::test(start_paused = true)]
    async fn a_body_does_its_steps_in_order() {
        let pause = Duration::from_secs(5);
        let broken = TransportError::Broken("gone".to_owned());
        let mut body = paced([Step::Wait(pause), Step::Send(Bytes::from_static(b"a")), Step::Fail(broken), Step::Send(Bytes::new())]);
        let start = Instant::now();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert_eq!(start.elapsed(), pause);
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
        assert!(paced([Step::Hang]).frame().now_or_never().is_none());
    }
}
