//! Claims and outcomes in any order, against a plain model of the breakers that a permit deals with.

use std::time::Duration;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::TestCaseError;
use proptest::{collection, option, prop_assert, prop_assert_eq, proptest};

use super::plain::{Guard, Phase, Who};
use super::{Failure, Skipped, candidate};
use crate::config::Cooldown;
use crate::routing::breaker::Breaker;
use crate::routing::{Candidate, Millis, Permit, Slot};

/// No policy below rests for longer.
const LONGEST: Duration = Duration::from_secs(300);

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Policy(Option<Cooldown>),
    Claim {
        model: usize,
        last_resort: bool,
    },
    /// The n-th of those asked fails.
    Fail(usize, Failure, bool),
    Answer(usize),
    Undecided(usize),
    LeaveUnanswered(usize),
    /// The n-th of those answering is through.
    Complete(usize),
    Break(usize, bool),
    Leave(usize),
    /// An active check reaches the provider.
    Check,
}

fn step() -> impl Strategy<Value = Step> {
    let policy = |failures, first, max| {
        let (first, max) = (Duration::from_secs(first), Duration::from_secs(max));
        Just(Some(Cooldown { failures, first, max }))
    };
    let policy = prop_oneof![1 => Just(None), 3 => policy(1, 10, 10), 2 => policy(2, 1, 60), 1 => policy(3, 10, 300)];
    let asked = option::of((0..1000_u64).prop_map(Duration::from_secs));
    let failure = prop_oneof![
        4 => Just(Failure::Attempt),
        2 => Just(Failure::Connect),
        1 => Just(Failure::Credentials),
        2 => asked.prop_map(Failure::RateLimited),
    ];
    prop_oneof![
        3 => (0..30_000_u64).prop_map(Step::Wait),
        1 => (0..400_000_u64).prop_map(Step::Wait),
        1 => policy.prop_map(Step::Policy),
        12 => (0..2_usize, any::<bool>()).prop_map(|(model, last_resort)| Step::Claim { model, last_resort }),
        6 => (0..9_usize, failure, proptest::bool::weighted(0.9)).prop_map(|(n, failure, count)| Step::Fail(n, failure, count)),
        3 => (0..9_usize).prop_map(Step::Answer),
        1 => (0..9_usize).prop_map(Step::Undecided),
        3 => (0..9_usize).prop_map(Step::LeaveUnanswered),
        2 => (0..9_usize).prop_map(Step::Complete),
        2 => (0..9_usize, any::<bool>()).prop_map(|(n, counts)| Step::Break(n, counts)),
        1 => (0..9_usize).prop_map(Step::Leave),
        1 => Just(Step::Check),
    ]
}

struct Asked {
    who: Who,
    model: usize,
    permit: Permit,
    policy: Option<Cooldown>,
    probed_account: bool,
}

struct Answering {
    who: Who,
    model: usize,
    slot: Slot,
    policy: Option<Cooldown>,
    begun: u64,
    /// It says something of its upstream's health.
    decides: bool,
}

/// One provider with two models, and what the model makes of them.
struct World {
    real: [Candidate; 2],
    account: Guard,
    models: [Guard; 2],
    now: u64,
    policy: Option<Cooldown>,
    came: Who,
    asked: Vec<Asked>,
    answering: Vec<Answering>,
}

/// Takes out the `n`-th, counted around.
fn taken<T>(list: &mut Vec<T>, n: usize) -> Option<T> {
    (!list.is_empty()).then(|| list.remove(n % list.len()))
}

impl World {
    fn new() -> World {
        let one = Candidate { max_in_flight: None, ..candidate() };
        let other = Candidate { model: "n".into(), health: one.account.health("n"), ..one.clone() };
        World {
            real: [one, other],
            account: Guard::default(),
            models: [Guard::default(); 2],
            now: 0,
            policy: super::POLICY,
            came: 0,
            asked: Vec::new(),
            answering: Vec::new(),
        }
    }

    fn now(&self) -> Millis {
        Millis(self.now)
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Wait(millis) => self.now += millis,
            Step::Policy(policy) => self.policy = policy,
            Step::Claim { model, last_resort } => self.claim(model, last_resort)?,
            Step::Fail(n, failure, count) => self.fail(n, failure, count),
            Step::Answer(n) => self.answer(n),
            Step::Undecided(n) => self.undecided(n),
            Step::LeaveUnanswered(n) => {
                if let Some(Asked { who, model, .. }) = taken(&mut self.asked, n) {
                    self.gives_back(who, model);
                }
            }
            Step::Complete(n) => {
                if let Some(Answering { model, slot, decides, .. }) = taken(&mut self.answering, n) {
                    slot.completed();
                    if decides {
                        self.models[model].completes();
                    }
                }
            }
            Step::Break(n, counts) => self.breaks(n, counts),
            Step::Leave(n) => drop(taken(&mut self.answering, n)),
            Step::Check => {
                self.real[0].account.clear();
                self.account = Guard::default();
            }
        }
        Ok(())
    }

    fn claim(&mut self, model: usize, last_resort: bool) -> Result<(), TestCaseError> {
        let candidate = Candidate { last_resort, ..self.real[model].clone() };
        let real = candidate.claim(self.now(), self.policy);
        let (who, policy) = (self.came, self.policy);
        self.came += 1;
        let plain = self.account.claim(who, self.now, policy, last_resort).and_then(|probed_account| {
            let probed = self.models[model].claim(who, self.now, policy, last_resort);
            if probed.is_err() {
                self.account.gives_back(who);
            }
            probed.map(|_| probed_account)
        });
        match (real, plain) {
            (Ok(permit), Ok(probed_account)) => self.asked.push(Asked { who, model, permit, policy, probed_account }),
            (real, plain) => prop_assert_eq!(real.map(drop), plain.map(drop)),
        }
        Ok(())
    }

    fn gives_back(&mut self, who: Who, model: usize) {
        self.account.gives_back(who);
        self.models[model].gives_back(who);
    }

    fn fail(&mut self, n: usize, failure: Failure, count: bool) {
        let Some(Asked { who, model, permit, policy, probed_account }) = taken(&mut self.asked, n) else { return };
        permit.failed(&failure, count, self.now());
        match failure {
            Failure::Connect | Failure::Credentials if count => self.account.fails(who, self.now, policy),
            Failure::Connect | Failure::Credentials => {}
            // Whoever answers, even so, can be connected to; what was asked before the rest proves nothing of now.
            Failure::Attempt | Failure::RateLimited(_) => {
                if probed_account || self.account.phase == Phase::Closed {
                    self.account = Guard::default();
                }
            }
        }
        match failure {
            Failure::RateLimited(asked) => self.models[model].limits(who, self.now, policy, asked, count),
            Failure::Attempt if count => self.models[model].fails(who, self.now, policy),
            _ => {}
        }
        self.gives_back(who, model);
    }

    fn answer(&mut self, n: usize) {
        let Some(Asked { who, model, permit, policy, .. }) = taken(&mut self.asked, n) else { return };
        let slot = permit.answered(Duration::from_millis(1), self.now());
        self.account = Guard::default();
        self.models[model].begins(who, self.now);
        self.gives_back(who, model);
        self.answering.push(Answering { who, model, slot, policy, begun: self.now, decides: true });
    }

    fn undecided(&mut self, n: usize) {
        let Some(Asked { who, model, permit, policy, .. }) = taken(&mut self.asked, n) else { return };
        let slot = permit.undecided();
        self.gives_back(who, model);
        self.answering.push(Answering { who, model, slot, policy, begun: self.now, decides: false });
    }

    fn breaks(&mut self, n: usize, counts: bool) {
        let Some(Answering { who, model, slot, policy, begun, decides }) = taken(&mut self.answering, n) else { return };
        slot.counting(counts).broke("断了", Duration::from_millis(self.now - begun));
        if decides && counts {
            self.models[model].fails(who, self.now, policy);
        }
    }

    fn breakers(&self) -> [&Breaker; 3] {
        [&self.real[0].account.breaker, &self.real[0].health.breaker, &self.real[1].health.breaker]
    }

    fn agrees(&self) -> Result<(), TestCaseError> {
        for (real, plain) in self.breakers().into_iter().zip([self.account, self.models[0], self.models[1]]) {
            prop_assert_eq!(real.standing(self.now(), self.policy), plain.standing(self.now, self.policy));
            prop_assert_eq!(real.state().failures, plain.in_a_row, "{:?}", plain);
        }
        let held = self.asked.len() + self.answering.len();
        prop_assert_eq!(self.real[0].account.in_flight() as usize, held);
        let of_models: u32 = self.real.iter().map(|candidate| candidate.health.in_flight()).sum();
        prop_assert_eq!(of_models as usize, held);
        Ok(())
    }

    /// After the longest rest it may be had, or somebody is probing; once those have left, it may be had.
    fn ends_unstuck(mut self) -> Result<(), TestCaseError> {
        let later = self.now().plus(LONGEST);
        for candidate in &self.real {
            if let Err(skipped) = candidate.claim(later, self.policy) {
                prop_assert_eq!(skipped, Skipped::Probing);
                prop_assert!(!self.asked.is_empty(), "nobody holds the probe");
            }
        }
        self.asked.clear();
        for candidate in &self.real {
            let resort = Candidate { last_resort: true, ..candidate.clone() };
            prop_assert!(resort.claim(self.now(), self.policy).is_ok(), "a last resort waits for nothing");
            prop_assert!(candidate.claim(later, self.policy).is_ok(), "stuck");
        }
        Ok(())
    }
}

/// Whether what happened says nothing of anybody's health.
fn is_neutral(step: &Step) -> bool {
    matches!(step, Step::Wait(_) | Step::Policy(_) | Step::Claim { .. } | Step::Undecided(_) | Step::LeaveUnanswered(_) | Step::Leave(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn whatever_happens_the_breakers_do_as_a_plain_model_does(steps in collection::vec(step(), 0..150)) {
        let mut world = World::new();
        for step in steps {
            let before = world.breakers().map(Breaker::state);
            let is_neutral = is_neutral(&step);
            world.take(step)?;
            world.agrees()?;
            for (before, after) in before.into_iter().zip(world.breakers().map(Breaker::state)) {
                let rests = before.trips > 0 && after.trips > 0;
                prop_assert!(!rests || after.until >= before.until, "the longest deadline wins");
                let learned = (before.failures, before.trips, before.until) != (after.failures, after.trips, after.until);
                prop_assert!(!is_neutral || !learned, "a client, or we ourselves, hurt it");
            }
        }
        world.ends_unstuck()?;
    }
}
