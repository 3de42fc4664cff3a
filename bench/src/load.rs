//! The load generator: as lean as wrk, on one pinned thread, and loud about every answer that is not right.
//!
//! The connections stand before the clock starts; connecting is never measured.

mod connection;
mod response;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use hdrhistogram::Histogram;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime};
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::{runtime, time};

pub use connection::Connection;
use connection::Exchanged;

/// How long a load may take beyond its planned end before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// The open loop starts what is due this often; latency counts from when it was due all the same.
const TICK: Duration = Duration::from_micros(100);

#[derive(Clone)]
pub struct Plan {
    pub address: SocketAddr,
    pub request: Bytes,
    pub connections: usize,
    pub mode: Mode,
    /// The least number of events that a whole stream has; 0: the answer is no stream.
    pub events: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// Each connection asks again as soon as it is answered.
    Closed { warm_up: Duration, window: Duration },
    /// So many requests a second, whether or not the earlier ones are answered.
    Open { rate: f64, warm_up: Duration, window: Duration },
    /// Each connection asks once; the beginnings are spread over this time.
    Once { spread: Duration },
}

/// When what counts begins and, if that is planned, ends.
#[derive(Clone, Copy)]
pub struct Clock {
    pub begin: Instant,
    pub end: Option<Instant>,
}

pub struct Outcome {
    pub latency: Histogram<u64>,
    pub first_event: Histogram<u64>,
    pub requests: u64,
    pub events: u64,
    pub bytes: u64,
}

pub struct Running {
    clock: Receiver<Clock>,
    thread: JoinHandle<Result<Outcome>>,
}

impl Running {
    /// Waits for the connections to stand, or for the reason why they do not.
    pub fn clock(&self) -> Option<Clock> {
        self.clock.recv().ok()
    }

    pub fn finish(self) -> Result<Outcome> {
        self.thread.join().map_err(|_| anyhow!("the load generator panicked"))?
    }
}

/// Starts the load on a thread of its own, which inherits this one's core.
pub fn start(plan: Plan) -> Running {
    let (sender, clock) = sync_channel(1);
    Running {
        clock,
        thread: thread::spawn(move || runtime::Builder::new_current_thread().enable_all().build()?.block_on(drive(plan, sender))),
    }
}

async fn drive(plan: Plan, sender: SyncSender<Clock>) -> Result<Outcome> {
    let mut connections = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        connections.push(Connection::open(plan.address, plan.request.clone(), plan.events).await.context("connect")?);
    }
    let shared = Arc::new(Shared::new(plan.mode)?);
    let planned = shared.clock.end.map_or(Duration::ZERO, |end| end.saturating_duration_since(Instant::now()));
    sender.send(shared.clock)?;
    let mut tasks = JoinSet::new();
    if let Mode::Open { rate, .. } = plan.mode {
        tasks.spawn(pace(Arc::clone(&shared), rate));
    }
    for (number, connection) in connections.into_iter().enumerate() {
        let shared = Arc::clone(&shared);
        match plan.mode {
            Mode::Closed { .. } => tasks.spawn(ask_again(connection, shared)),
            Mode::Open { rate, .. } => tasks.spawn(ask_when_due(connection, shared, rate)),
            Mode::Once { spread } => tasks.spawn(ask_once(connection, shared, spread.mul_f64(number as f64 / plan.connections as f64))),
        };
    }
    let all = async {
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        anyhow::Ok(())
    };
    time::timeout(planned + PATIENCE, all).await.context("the load is stuck")??;
    let shared = Arc::into_inner(shared).context("a task outlived the load")?;
    Ok(shared.outcome.into_inner().unwrap_or_else(PoisonError::into_inner))
}

struct Shared {
    started: Instant,
    clock: Clock,
    due: Semaphore,
    taken: AtomicU64,
    outcome: Mutex<Outcome>,
}

impl Shared {
    fn new(mode: Mode) -> Result<Self> {
        let started = Instant::now();
        let clock = match mode {
            Mode::Closed { warm_up, window } | Mode::Open { warm_up, window, .. } => {
                Clock { begin: started + warm_up, end: Some(started + warm_up + window) }
            }
            Mode::Once { .. } => Clock { begin: started, end: None },
        };
        let histogram = || Histogram::new_with_max(120_000_000, 3);
        let outcome = Outcome { latency: histogram()?, first_event: histogram()?, requests: 0, events: 0, bytes: 0 };
        Ok(Self { started, clock, due: Semaphore::new(0), taken: AtomicU64::new(0), outcome: Mutex::new(outcome) })
    }

    fn is_over(&self, now: Instant) -> bool {
        self.clock.end.is_some_and(|end| now >= end)
    }

    /// `counted` is the moment that decides whether the request lies in the window.
    fn record(&self, counted: Instant, from: Instant, exchanged: &Exchanged) {
        if counted < self.clock.begin || self.is_over(counted) {
            return;
        }
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.latency.saturating_record(micros(exchanged.ended - from));
        if let Some(first) = exchanged.first_event {
            outcome.first_event.saturating_record(micros(first - from));
        }
        outcome.requests += 1;
        outcome.events += exchanged.events;
        outcome.bytes += exchanged.bytes;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

async fn ask_again(mut connection: Connection, shared: Arc<Shared>) -> Result<()> {
    let mut now = Instant::now();
    while !shared.is_over(now) {
        let exchanged = connection.exchange().await?;
        shared.record(exchanged.ended, now, &exchanged);
        now = exchanged.ended;
    }
    Ok(())
}

async fn ask_when_due(mut connection: Connection, shared: Arc<Shared>, rate: f64) -> Result<()> {
    // The semaphore is closed at the end; what was due before is then abandoned only if nobody was free for it, which
    // the window's record would lack: `pace` therefore waits for the queue to empty first.
    while let Ok(permit) = shared.due.acquire().await {
        permit.forget();
        let ticket = shared.taken.fetch_add(1, Ordering::Relaxed);
        let due = shared.started + Duration::from_secs_f64(ticket as f64 / rate);
        let exchanged = connection.exchange().await?;
        shared.record(due, due, &exchanged);
    }
    Ok(())
}

async fn ask_once(mut connection: Connection, shared: Arc<Shared>, delay: Duration) -> Result<()> {
    time::sleep(delay).await;
    let now = Instant::now();
    let exchanged = connection.exchange().await?;
    shared.record(exchanged.ended, now, &exchanged);
    Ok(())
}

/// Lets requests go as they fall due. The runtime's own timer, of a millisecond, would be too coarse.
#[allow(deprecated, reason = "`new` is unsound for types that give up their descriptor; an `OwnedFd` does not")]
async fn pace(shared: Arc<Shared>, rate: f64) -> Result<()> {
    let timer = AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?)?;
    let tick = Timespec { tv_sec: 0, tv_nsec: i64::from(TICK.subsec_nanos()) };
    timerfd_settime(timer.get_ref(), TimerfdTimerFlags::empty(), &Itimerspec { it_interval: tick, it_value: tick })?;
    let mut released = 0;
    while !shared.is_over(Instant::now()) {
        let mut ready = timer.readable().await?;
        rustix::io::read(timer.get_ref(), &mut [0_u8; 8]).ok();
        ready.clear_ready();
        let due = (shared.started.elapsed().as_secs_f64() * rate) as usize;
        shared.due.add_permits(due - released);
        released = due;
    }
    while shared.due.available_permits() > 0 {
        time::sleep(Duration::from_millis(1)).await;
    }
    shared.due.close();
    Ok(())
}
