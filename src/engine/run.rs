//! The loop: the only place that tries again.
//!
//! One plan, one deadline, one count of attempts. A request adds at most one failure to each upstream.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use rand::RngExt;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use crate::dialects::DialectError;
use crate::engine::answer::{Answered, AnsweredBody, Failed, mask_headers};
use crate::engine::attempt::{Attempting, Tried};
use crate::engine::claim::claim_when_free;
use crate::engine::demand::Demand;
use crate::engine::error::Attempt;
use crate::engine::hedge::{Ended, Race, Running};
use crate::engine::live::Snapshot;
use crate::engine::meter::{Meter, Trial};
use crate::engine::relay::{Limits, Relay, Source};
use crate::engine::{Error, Inner, Job, Reply, ReplyBody, Trace, discover};
use crate::providers::headers;
use crate::routing::{Candidate, Failure, Millis, Permit, Plan, Skipped, Slot, Standing, plan, resolve};
use crate::telemetry::events::{AttemptFailed, CandidateSkipped, SwitchedUpstream};

mod beside;
mod others;
mod used_up;

/// An answer, and where it comes from.
pub struct Won {
    /// It.
    pub answered: Answered,
    /// Who gave it.
    pub candidate: Candidate,
    /// Its place among the requests at that upstream.
    pub slot: Slot,
}

/// Answers `job`, which asks for `demand`; what was used is in `meter`, which the reply takes along.
///
/// What hardly any request waits for is in a box of its own, here and below: a future is as large as the largest wait
/// within it, and is copied when it begins.
pub async fn run(engine: &Inner, job: &Job, demand: &Demand, meter: &mut Meter) -> Result<Box<Won>, Error> {
    if job.snapshot.config.routing.hedge_after.is_some() {
        engine.hedges.request(engine.now());
    }
    let deadline = job.received + job.snapshot.config.routing.deadline;
    let begun = Instant::now();
    let plan = find(engine, &job.snapshot, &demand.model).await?;
    meter.waited += begun.elapsed();
    let plan = demand.earlier.narrow(plan)?;
    meter.planned(&plan, begun);
    let mut walk = Walk::new(engine, &job.snapshot, plan, deadline, meter);
    walk.run(demand, &job.headers, meter).await
}

/// Waits for a first discovery if `name` may come of it, at most [`discover::WAIT`]; then on with what is known.
pub async fn await_discovery(snapshot: &Snapshot, name: &str) {
    let is_pending = |index| snapshot.is_pending(index);
    if resolve::awaits_discovery(&snapshot.table, name, is_pending) {
        let asked = discover::discover(snapshot, None, is_pending);
        let _ = Box::pin(tokio::time::timeout(discover::WAIT, asked)).await;
    }
}

/// The plan for `name`; waits for a first discovery if the name may come of it.
pub async fn find(engine: &Inner, snapshot: &Arc<Snapshot>, name: &str) -> Result<Plan, Error> {
    await_discovery(snapshot, name).await;
    let plan = plan(&snapshot.table, &**snapshot, name, engine.now(), &mut rand::rng());
    let plan = plan.map_err(|error| Error::ModelNotFound(error.to_string()))?;
    debug!(model = name, candidates = plan.candidates.len(), skipped = plan.skipped.len(), "resolved");
    Ok(plan)
}

/// One request's way through its plan.
struct Walk<'a> {
    engine: &'a Inner,
    snapshot: &'a Arc<Snapshot>,
    deadline: Instant,
    ahead: VecDeque<Candidate>,
    /// Failed in passing: worth another try when the plan is used up.
    again: VecDeque<Candidate>,
    skipped: Vec<(Candidate, Skipped)>,
    attempts: Vec<Attempt>,
    failures: Vec<Failed>,
    /// Upstream models and providers to which this request has added its failure.
    hurt: HashSet<(usize, Option<Arc<str>>)>,
    /// What the request says and these upstreams have no words for.
    unsaid: Vec<(Candidate, DialectError)>,
    /// When each upstream failed last, and how often.
    tried: HashMap<(usize, Arc<str>), (Instant, u32)>,
    /// It has had its second attempt beside a silent one.
    hedged: bool,
    /// Names whose `fallback_on` was followed.
    followed: HashSet<Arc<str>>,
}

/// What every attempt of a request is given.
struct Asked<'a> {
    demand: &'a Demand,
    /// The client's headers, for the first attempt.
    headers: &'a HeaderMap,
    /// The same for every later one.
    later: Cow<'a, HeaderMap>,
}

impl<'a> Walk<'a> {
    fn new(engine: &'a Inner, snapshot: &'a Arc<Snapshot>, plan: Plan, deadline: Instant, meter: &mut Meter) -> Walk<'a> {
        for (candidate, skipped) in &plan.skipped {
            note_skip(candidate, skipped, meter);
        }
        Walk {
            engine,
            snapshot,
            deadline,
            ahead: plan.candidates.into(),
            again: VecDeque::new(),
            skipped: plan.skipped,
            attempts: Vec::new(),
            failures: Vec::new(),
            hurt: HashSet::new(),
            unsaid: Vec::new(),
            tried: HashMap::new(),
            hedged: false,
            followed: HashSet::new(),
        }
    }

    async fn run(&mut self, demand: &Demand, client: &HeaderMap, meter: &mut Meter) -> Result<Box<Won>, Error> {
        let mut headers = headers::forwardable(client);
        meter.drop_foreign_state(&mut headers);
        // A key that makes an operation happen once is good for one upstream only.
        let asked = Asked { demand, later: headers::without_idempotency_key(&headers), headers: &headers };
        while let Some(mut race) = self.next_race(&asked, meter).await {
            if let Some(answer) = self.race(&asked, &mut race, meter).await? {
                return Ok(answer);
            }
        }
        Err(self.error(demand, meter))
    }

    /// The next attempt, under way; `None`: the request has failed.
    async fn next_race<'f>(&mut self, asked: &'f Asked<'_>, meter: &mut Meter) -> Option<Race<'f>>
    where
        'a: 'f,
    {
        let (candidate, permit) = self.next(meter).await?;
        if let Some(last) = self.attempts.last() {
            let (from, to) = (format!("{}/{}", last.provider, last.model), candidate.to_string());
            SwitchedUpstream { from: &from, to: &to, attempt: meter.attempts() + 1 }.emit();
        }
        Some(Race::of(self.begin(asked, (candidate, permit), false, meter), self.silent_at(asked)))
    }

    fn begin<'f>(&self, asked: &'f Asked<'_>, (candidate, permit): (Candidate, Permit), is_hedge: bool, meter: &mut Meter) -> Running<'f>
    where
        'a: 'f,
    {
        let headers = if meter.attempts() == 0 { asked.headers } else { &*asked.later };
        let (snapshot, deadline, overheard) = (self.snapshot, self.deadline, Arc::default());
        let trial = meter.tries(&candidate, Arc::clone(&overheard), is_hedge);
        let attempting = Attempting { snapshot, demand: asked.demand, headers, span: meter.span_of(trial), deadline, overheard };
        Running::begin(attempting, trial, candidate, permit)
    }

    /// Runs one attempt, and the next beside it if it is silent; `None`: all failed.
    async fn race<'f>(&mut self, asked: &'f Asked<'_>, race: &mut Race<'f>, meter: &mut Meter) -> Result<Option<Box<Won>>, Error>
    where
        'a: 'f,
    {
        let mut given_back = None;
        while !race.is_over() {
            let begun = Instant::now();
            let ended = race.next().await;
            meter.waited += begun.elapsed();
            let Some(ended) = ended else {
                if let Some(claimed) = self.beside(asked, meter) {
                    race.join(self.begin(asked, claimed, true, meter));
                }
                continue;
            };
            if let Some(topic) = ended.tried.topic()
                && !asked.demand.earlier.is_bound()
                && Box::pin(self.turn_to_others(topic, &ended.candidate)).await
            {
                self.turned(*ended, meter);
                continue;
            }
            let Ended { trial, candidate, permit, begun, tried } = *ended;
            match tried {
                Tried::Wrong(error) if race.is_over() => return Err(error),
                // What cannot be said to the one may well be answered by the other.
                Tried::Wrong(error) => {
                    debug!(%candidate, %error, "cannot be asked");
                    meter.takes_back(trial, &candidate, error.to_string());
                }
                // What the one dislikes of the request, the other may yet answer.
                Tried::Answered(answered) if answered.status.is_client_error() && race.first_runs() => {
                    given_back = Some(Box::new((answered, (trial, candidate, permit), begun)));
                }
                Tried::Answered(answered) => {
                    beside::abandon(race, asked.demand, meter);
                    return Ok(Some(self.won(answered, (trial, candidate, permit), begun, meter)));
                }
                Tried::Unsaid(reason) => self.unsaid(trial, candidate, reason, meter),
                Tried::Failed(failed) => self.failed((trial, candidate, permit), failed, begun.elapsed(), meter),
            }
        }
        Ok(given_back.map(|given_back| {
            let (answered, claimed, begun) = *given_back;
            self.won(answered, claimed, begun, meter)
        }))
    }

    fn won(
        &self,
        answered: Answered,
        (trial, candidate, permit): (Trial, Candidate, Permit),
        begun: Instant,
        meter: &mut Meter,
    ) -> Box<Won> {
        meter.names(&candidate);
        meter.takes(trial);
        let counts = !self.hurt.contains(&(candidate.provider, Some(candidate.model.clone())));
        let slot = settle(permit, answered.status, begun.elapsed(), self.engine.now()).counting(counts);
        Box::new(Won { answered, candidate, slot })
    }

    fn is_used_up(&self, meter: &Meter) -> bool {
        let most = self.snapshot.config.routing.max_attempts;
        Instant::now() >= self.deadline || (most > 0 && meter.attempts() >= most)
    }

    /// The next candidate that can be claimed; `None`: the request has failed.
    async fn next(&mut self, meter: &mut Meter) -> Option<(Candidate, Permit)> {
        let routing = &self.snapshot.config.routing;
        loop {
            if self.is_used_up(meter) {
                return None;
            }
            let Some(candidate) = self.ahead.pop_front() else {
                if routing.max_attempts == 0 || self.again.is_empty() {
                    return Box::pin(self.wait(meter)).await;
                }
                self.ahead = std::mem::take(&mut self.again);
                continue;
            };
            if let Some(until) = self.backs_off_until(&candidate).filter(|_| !self.is_at_rest(&candidate)) {
                let begun = Instant::now();
                Box::pin(sleep_until(until)).await;
                meter.waited += begun.elapsed();
                if Instant::now() >= self.deadline {
                    return None;
                }
            }
            match candidate.claim(self.engine.now(), routing.cooldown) {
                Ok(permit) => return Some((candidate, permit)),
                Err(skipped) => {
                    note_skip(&candidate, &skipped, meter);
                    self.skipped.push((candidate, skipped));
                }
            }
        }
    }

    /// All that is left is at its limit, or being probed by another request.
    async fn wait(&mut self, meter: &mut Meter) -> Option<(Candidate, Permit)> {
        let waited_for = self.skipped.iter().filter(|(_, skipped)| skipped.is_brief()).map(|(candidate, _)| candidate.clone()).collect();
        let begun = Instant::now();
        let claimed = claim_when_free(self.engine, self.snapshot, waited_for, self.deadline).await;
        meter.waited += begun.elapsed();
        let (candidate, permit) = claimed.ok()?;
        self.skipped.retain(|(other, _)| other.provider != candidate.provider || other.model != candidate.model);
        Some((candidate, permit))
    }

    /// Whether waiting for it is pointless: it was sent to rest, by this request or another.
    fn is_at_rest(&self, candidate: &Candidate) -> bool {
        let (now, policy) = (self.engine.now(), self.snapshot.config.routing.cooldown);
        [candidate.account.standing(now, policy), candidate.health.standing(now, policy)]
            .iter()
            .any(|standing| *standing != Standing::Closed)
    }

    /// Until when one same upstream is not tried again: doubling, jittered, never past the deadline.
    fn backs_off_until(&self, candidate: &Candidate) -> Option<Instant> {
        let (failed_at, times) = self.tried.get(&(candidate.provider, candidate.model.clone()))?;
        let backoff = self.snapshot.config.routing.backoff;
        let doubled = backoff.initial.saturating_mul(1 << (times - 1).min(16)).min(backoff.max);
        let jittered = doubled.mul_f64(rand::rng().random_range(0.75..=1.0));
        Some((*failed_at + jittered).min(self.deadline))
    }

    /// Nothing was sent: it is no attempt, and nobody's failure.
    fn unsaid(&mut self, trial: Trial, candidate: Candidate, reason: DialectError, meter: &mut Meter) {
        debug!(%candidate, %reason, "cannot be asked");
        meter.takes_back(trial, &candidate, reason.to_string());
        self.unsaid.push((candidate, reason));
    }

    fn failed(&mut self, (trial, candidate, permit): (Trial, Candidate, Permit), failed: Failed, took: Duration, meter: &mut Meter) {
        let now = self.engine.now();
        if let Some(failure) = &failed.failure {
            let model = matches!(failure, Failure::Attempt | Failure::RateLimited(_)).then(|| candidate.model.clone());
            let count = self.hurt.insert((candidate.provider, model));
            candidate.health.note_error(failed.reason.clone(), now);
            permit.failed(failure, count, now);
        }
        let (provider, model) = (candidate.provider_name.to_string(), candidate.model.to_string());
        let status = failed.status.map(|status| status.as_u16());
        meter.failed(trial, status, &failed.reason, failed.timed_out);
        AttemptFailed { provider: &provider, upstream_model: &model, status, reason: &failed.reason, took }.emit();
        self.attempts.push(Attempt { provider, model, status, reason: failed.reason.clone(), took });
        let times = self.tried.entry((candidate.provider, candidate.model.clone())).or_insert((Instant::now(), 0));
        *times = (Instant::now(), times.1 + 1);
        if failed.in_passing {
            // A last resort has had its probe: while it rests, it is not asked again.
            self.again.push_back(Candidate { last_resort: false, ..candidate });
        }
        self.failures.push(failed);
    }
}

/// What an answer's beginning says of its upstream's health: nothing, if it is the client's own mistake.
pub fn settle(permit: Permit, status: StatusCode, took: Duration, now: Millis) -> Slot {
    if status.is_client_error() { permit.undecided() } else { permit.answered(took, now) }
}

/// The reply that goes out, with the meter in it.
pub fn reply(snapshot: &Arc<Snapshot>, won: Won, mut meter: Meter) -> Reply {
    let Won { answered, candidate, slot } = won;
    let trace = Trace {
        provider: candidate.provider_name.to_string(),
        model: candidate.model.to_string(),
        attempts: meter.attempts(),
        overhead: meter.overhead(),
        dropped: answered.dropped,
    };
    let timeout = &snapshot.config.providers[candidate.provider].timeout;
    let from = Source { snapshot: snapshot.clone(), candidate, credential: answered.credential };
    let headers = mask_headers(answered.headers, &from.secrets());
    meter.commit(answered.status.as_u16(), slot);
    meter.asked_with(|| from.secrets());
    let body = match answered.body {
        AnsweredBody::Full(bytes, usage) => {
            if let Some(usage) = usage {
                meter.report(usage);
            }
            meter.sent(&bytes);
            meter.complete();
            ReplyBody::Full(Some(bytes), Box::new(meter))
        }
        AnsweredBody::Events { begun, speech, withhold_usage } => {
            meter.first_token();
            let limits = Limits { idle: Some(timeout.idle), until: timeout.stream.map(|whole| Instant::now() + whole) };
            ReplyBody::Stream(Box::new(Relay::events(*begun, speech, withhold_usage, limits, meter, from)))
        }
        AnsweredBody::Raw(first, upstream) => {
            let limits = Limits { idle: Some(timeout.idle), until: answered.until };
            ReplyBody::Stream(Box::new(Relay::raw(first, Some(upstream), limits, meter, from)))
        }
    };
    Reply { status: answered.status, headers, body, trace }
}

fn note_skip(candidate: &Candidate, skipped: &Skipped, meter: &mut Meter) {
    meter.skips(candidate, skipped);
    CandidateSkipped { provider: &candidate.provider_name, upstream_model: &candidate.model, reason: skipped }.emit();
}
