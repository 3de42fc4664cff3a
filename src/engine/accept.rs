//! The two halves of a chat: what a request's own text decides, and what its answer takes.

use std::future::{pending, ready};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use futures_util::future::{BoxFuture, Either};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinError, spawn_blocking};
use tracing::Span;

use crate::engine::demand::Demand;
use crate::engine::meter::Meter;
use crate::engine::{Engine, Error, Job, Reply, conversation, run};
use crate::hub::{Endpoint, Kind};
use crate::telemetry::events::RequestAccepted;

/// From so many bytes on, looking at every one of them holds up what else a thread serves by milliseconds.
const LONG: usize = 1 << 20;

/// So many long ones are read at once: threads beyond the cores would only take turns with those that serve.
static READERS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));

/// Reads `job`; a long one on a thread of its own.
pub(super) fn accept(engine: &Engine, job: Job) -> impl Future<Output = Result<Accepted, Error>> + use<> {
    if job.body.len() < LONG {
        return Either::Left(ready(Accepted::new(engine, job)));
    }
    Either::Right(Box::pin(accept_aside(engine.clone(), job)))
}

async fn accept_aside(engine: Engine, job: Job) -> Result<Accepted, Error> {
    let _turn = READERS.acquire().await;
    aside(move || Accepted::new(&engine, job)).await
}

/// What `work` makes, on a thread that serves nobody else. Where nobody waits for it any more it ends there, within its
/// request's span. A panic goes on here, and is told to the client as any other is.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (span, (tell, told)) = (Span::current(), oneshot::channel());
    let working = spawn_blocking(move || {
        let _request = span.enter();
        let _ = tell.send(work());
    });
    if let Ok(made) = told.await {
        return made;
    }
    match working.await.map_err(JoinError::try_into_panic) {
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime ends, and drops this next.
        _ => pending().await,
    }
}

/// A request that was read and may be answered. Dropping it, or its answer on the way, reports that its client left.
pub struct Accepted {
    is_stream: bool,
    dialect: Kind,
    /// In a box from the beginning: it is large, and who waits for it would be too.
    answer: BoxFuture<'static, Result<Reply, Error>>,
}

impl Accepted {
    fn new(engine: &Engine, job: Job) -> Result<Accepted, Error> {
        let mut meter = Meter::start(job.origin(), &job.snapshot, &engine.0.accounts);
        match read(&job, &mut meter) {
            Ok(mut demand) => {
                let (is_stream, engine) = (demand.is_stream() && job.endpoint.chat().is_some(), engine.clone());
                let dialect = job.endpoint.dialect();
                // A block, for it uses what it is given in place.
                let answer = async move {
                    match answer(&engine, &job, &mut demand, &mut meter).await {
                        Ok(won) => Ok(run::reply(&job.snapshot, *won, meter)),
                        Err(error) => {
                            meter.fail(&error);
                            Err(error)
                        }
                    }
                };
                Ok(Accepted { is_stream, dialect, answer: Box::pin(answer) })
            }
            Err(error) => {
                meter.fail(&error);
                Err(error)
            }
        }
    }

    /// Whether a stream of events was asked for, of an endpoint that has some.
    pub fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// In which its client reads answers and errors.
    pub fn dialect(&self) -> Kind {
        self.dialect
    }

    /// Resolves, plans, tries, commits.
    pub fn answer(self) -> BoxFuture<'static, Result<Reply, Error>> {
        self.answer
    }
}

async fn answer(engine: &Engine, job: &Job, demand: &mut Demand, meter: &mut Meter) -> Result<Box<run::Won>, Error> {
    if demand.endpoint == Endpoint::Responses {
        // In a box: no other request shall be as large as these.
        Box::pin(conversation::resume(&engine.0, job, demand)).await?;
    }
    run::run(&engine.0, job, demand, meter).await
}

/// What is asked for, and whether its caller may.
fn read(job: &Job, meter: &mut Meter) -> Result<Demand, Error> {
    let demand = Demand::read(job)?;
    // Only a stream is counted by its events, where its upstream reports nothing.
    let estimated_input = if demand.is_stream() { demand.estimated_input() } else { 0 };
    meter.asked(&demand.model, demand.is_stream(), &job.body, estimated_input);
    if !job.caller.may(&demand.model) {
        return Err(Error::NotAllowed(format!("the key `{}` may not use the model `{}`", job.caller.name(), demand.model)));
    }
    let accepted = RequestAccepted { client: job.client, caller: job.caller.name(), model: &demand.model, stream: demand.is_stream() };
    accepted.emit();
    Ok(demand)
}

#[cfg(test)]
mod tests {
    use super::aside;

    #[tokio::test]
    async fn a_panic_aside_is_a_panic_of_its_request() {
        assert_eq!(aside(|| "read").await, "read");
        let panicked = tokio::spawn(aside(|| -> u8 { panic!("of a test") })).await.unwrap_err();
        assert!(panicked.is_panic());
    }
}
