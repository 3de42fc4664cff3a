//! A breaker written plainly: it knows who holds a probe by name rather than by ticket, packs nothing, and spells every
//! rule out.

use std::time::Duration;

use super::Skipped;
use crate::config::Cooldown;
use crate::routing::Standing;

/// Whoever asked, in order.
pub type Who = usize;

#[derive(Clone, Copy, Debug, Default)]
pub struct Guard {
    pub in_a_row: u16,
    pub phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Phase {
    #[default]
    Closed,
    /// Closed, but one failure is enough.
    Parole(Rest),
    Resting(Rest),
    Probing(Who, Rest),
}

/// The latest of the rests in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rest {
    number: u32,
    until: u64,
    limited: bool,
}

impl Guard {
    pub fn standing(&self, now: u64, policy: Option<Cooldown>) -> Standing {
        match self.phase {
            _ if policy.is_none() => Standing::Closed,
            Phase::Closed | Phase::Parole(_) => Standing::Closed,
            Phase::Resting(rest) if rest.until > now => Standing::Cooling(Duration::from_millis(rest.until - now)),
            Phase::Resting(_) => Standing::Due,
            Phase::Probing(..) => Standing::Probing,
        }
    }

    /// Lets `who` pass; `Ok(true)` as its probe.
    pub fn claim(&mut self, who: Who, now: u64, policy: Option<Cooldown>, early: bool) -> Result<bool, Skipped> {
        match (self.standing(now, policy), self.phase) {
            (Standing::Closed, _) => return Ok(false),
            (Standing::Probing, _) => return Err(Skipped::Probing),
            (Standing::Cooling(left), _) if !early => return Err(Skipped::Cooling { left }),
            (_, Phase::Resting(rest)) => self.phase = Phase::Probing(who, rest),
            (_, phase) => panic!("{phase:?} cannot be probed"),
        }
        Ok(true)
    }

    pub fn gives_back(&mut self, who: Who) {
        if let Phase::Probing(prober, rest) = self.phase
            && prober == who
        {
            self.phase = Phase::Resting(rest);
        }
    }

    /// The rest so far, if what `who` has seen may send it to rest: not what was begun before the rest, but for its probe.
    pub fn may_rest(&self, who: Who) -> Option<Rest> {
        match self.phase {
            Phase::Closed => Some(Rest::default()),
            Phase::Parole(rest) => Some(rest),
            Phase::Probing(prober, rest) if prober == who => Some(rest),
            Phase::Probing(..) | Phase::Resting(_) => None,
        }
    }

    pub fn rests(&mut self, before: Rest, now: u64, policy: Cooldown, asked: Option<Duration>) {
        let was_early = before.number > 0 && before.until > now;
        let number = before.number + u32::from(!was_early);
        let until = now + length(policy, number, asked);
        self.phase = Phase::Resting(Rest { number, until: until.max(before.until), ..before });
    }

    pub fn fails(&mut self, who: Who, now: u64, policy: Option<Cooldown>) {
        let Some(policy) = policy else { return self.in_a_row += 1 };
        let Some(before) = self.may_rest(who) else { return };
        self.in_a_row += 1;
        if self.phase != Phase::Closed || u32::from(self.in_a_row) >= policy.failures {
            self.rests(before, now, policy, None);
        }
    }

    pub fn limits(&mut self, who: Who, now: u64, policy: Option<Cooldown>, asked: Option<Duration>, count: bool) {
        let Some(policy) = policy else { return };
        if let Some(before) = self.may_rest(who) {
            if !count {
                let number = before.number.max(1);
                let until = before.until.max(now + length(policy, number, asked));
                self.phase = Phase::Resting(Rest { number, until, limited: true });
                return;
            }
            self.in_a_row += 1;
            return self.rests(Rest { limited: true, ..before }, now, policy, asked);
        }
        if let Phase::Resting(rest) | Phase::Probing(_, rest) = &mut self.phase {
            rest.limited = true;
            rest.until = rest.until.max(now + length(policy, rest.number, asked));
        }
    }

    pub fn begins(&mut self, who: Who, now: u64) {
        match self.phase {
            Phase::Closed | Phase::Parole(_) => {}
            Phase::Probing(prober, rest) if prober == who => self.phase = Phase::Parole(Rest { limited: false, ..rest }),
            Phase::Probing(_, rest) | Phase::Resting(rest) => {
                if !rest.limited || rest.until <= now {
                    self.phase = Phase::Parole(Rest { limited: false, ..rest });
                }
            }
        }
    }

    pub fn completes(&mut self) {
        if matches!(self.phase, Phase::Closed | Phase::Parole(_)) {
            *self = Guard::default();
        }
    }
}

fn length(policy: Cooldown, number: u32, asked: Option<Duration>) -> u64 {
    let doubled = (1..number).fold(policy.first, |length, _| (length * 2).min(policy.max));
    u64::try_from(asked.unwrap_or(doubled).min(policy.max).as_millis()).unwrap()
}
