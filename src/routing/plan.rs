//! Which upstreams to try for a name, in which order, and which not, and why.
//!
//! [`plan()`] only reads: the loop, `explain` and the dashboard call it alike.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use foldhash::HashSet;
use rand::Rng;

use crate::config::{Cooldown, Strategy};

use super::breaker::Millis;
use super::candidate::{Candidate, Turn};
use super::offers::Offers;
use super::permit::{Skipped, Switch};
use super::resolve::{self, Found, NotFound, resolve};
use super::strategy;
use super::table::{Goal, Path, RouteTable};

/// The candidates for one request, in the order to try them.
#[derive(Debug)]
pub struct Plan {
    /// The name as asked for.
    pub name: Arc<str>,
    /// To try, in this order. No upstream model stands here twice.
    pub candidates: Vec<Candidate>,
    /// Passed over. Without candidates, the saturated among them are worth waiting for.
    pub skipped: Vec<(Candidate, Skipped)>,
    /// Fallback names that nothing offers.
    pub missing: Vec<Arc<str>>,
    /// What the name was found to be.
    pub found: How,
}

/// What a name was found to be, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// Nothing.
    #[default]
    Nothing,
    /// A name of `models`.
    Entry,
    /// This wildcard of `models`.
    Wildcard(Arc<str>),
    /// `auto`.
    Auto,
    /// PROVIDER/MODEL.
    Direct,
    /// A model that these providers offer.
    Offered(Vec<Arc<str>>),
}

impl How {
    fn of(found: Option<&Found<'_>>, name: &str, table: &RouteTable) -> How {
        match found {
            None => How::Nothing,
            Some(Found::Named(named)) if named.name() == name => How::Entry,
            Some(Found::Named(named)) => How::Wildcard(named.0.name.clone()),
            Some(Found::Auto) => How::Auto,
            Some(Found::Direct { .. }) => How::Direct,
            Some(Found::Offered(providers)) => How::Offered(providers.iter().map(|index| table.providers[*index].name.clone()).collect()),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Nothing => f.write_str("nothing"),
            How::Entry => f.write_str("an entry of `models`"),
            How::Wildcard(wildcard) => write!(f, "the wildcard `{wildcard}` of `models`"),
            How::Auto => f.write_str("`auto`: the default model of every provider"),
            How::Direct => f.write_str("PROVIDER/MODEL"),
            How::Offered(providers) => write!(f, "a model that {} offers", providers.join(", ")),
        }
    }
}

/// Plans a request for `name`.
///
/// Routes by priority, within one priority by the strategy, then the fallbacks' depth first, each name once. Disabled,
/// cooling and saturated upstreams are skipped; if nothing is left but cooling ones, the one nearest to recovery is the
/// only candidate. While a saturated one could be waited for, cooling ones stay skipped.
pub fn plan(table: &RouteTable, offers: &dyn Offers, name: &str, now: Millis, rng: &mut impl Rng) -> Result<Plan, NotFound> {
    let mut walk = Walk::new(table, offers, name, now);
    walk.run(rng);
    let (mut plan, unoffered) = (walk.plan, walk.unoffered);
    if plan.candidates.is_empty() && plan.skipped.is_empty() {
        let target = unoffered.or(plan.missing.first().cloned()).filter(|target| **target != *name);
        return Err(resolve::not_found(table, offers, name, target, walk.refused));
    }
    plan.choose_last_resort();
    Ok(plan)
}

/// The way through a name and its fallbacks, depth first. A stack of its own: ten thousand names may form one chain.
struct Walk<'a> {
    table: &'a RouteTable,
    offers: &'a dyn Offers,
    now: Millis,
    policy: Option<Cooldown>,
    ahead: Vec<Arc<str>>,
    visited: HashSet<Arc<str>>,
    planned: HashSet<(usize, Arc<str>)>,
    plan: Plan,
    /// The target of a short form that nothing offers.
    unoffered: Option<Arc<str>>,
    /// The provider that the name asked for names, and that does not offer it.
    refused: Option<usize>,
}

impl<'a> Walk<'a> {
    fn new(table: &'a RouteTable, offers: &'a dyn Offers, name: &str, now: Millis) -> Walk<'a> {
        let name: Arc<str> = name.into();
        let plan = Plan { name: name.clone(), candidates: Vec::new(), skipped: Vec::new(), missing: Vec::new(), found: How::Nothing };
        Walk {
            table,
            offers,
            now,
            policy: table.cooldown(),
            ahead: vec![name],
            visited: HashSet::default(),
            planned: HashSet::default(),
            plan,
            unoffered: None,
            refused: None,
        }
    }

    fn run(&mut self, rng: &mut impl Rng) {
        while let Some(name) = self.ahead.pop() {
            if self.visited.insert(name.clone()) {
                self.visit(&name, rng);
            }
        }
    }

    fn visit(&mut self, name: &Arc<str>, rng: &mut impl Rng) {
        let resolution = resolve(self.table, self.offers, name);
        if *name == self.plan.name {
            self.plan.found = How::of(resolution.found.as_ref(), name, self.table);
        }
        if let Some(provider) = resolution.refused {
            self.refuse(provider, name, resolution.found.is_some());
        }
        match resolution.found {
            Some(Found::Named(named)) => match &named.0.goal {
                Goal::Name(target) => self.follow(name, target),
                Goal::Routes { strategy, routes, fallback, turn } => {
                    self.routes(name, routes, *strategy, turn, rng);
                    self.ahead.extend(fallback.iter().rev().cloned());
                }
            },
            Some(Found::Auto) => {
                let table = self.table;
                let defaults = table.preferred.iter().filter_map(|index| Some((*index, table.providers[*index].default_model.clone()?)));
                let defaults = defaults.filter_map(|(index, model)| table.candidate_for(index, model, name.clone())).collect();
                self.tiers(defaults, Strategy::Priority, None, rng);
            }
            Some(Found::Offered(providers)) => {
                let all = providers.into_iter().filter_map(|index| self.table.candidate_for(index, name.clone(), name.clone())).collect();
                self.tiers(all, Strategy::Priority, None, rng);
            }
            Some(Found::Direct { provider, model }) => {
                if let Some(candidate) = self.table.candidate_for(provider, model, name.clone()) {
                    self.place(candidate, true);
                }
            }
            None if *name != self.plan.name => self.plan.missing.push(name.clone()),
            None => {}
        }
    }

    /// A short form stands for another name, whose routes come in its place.
    fn follow(&mut self, name: &Arc<str>, target: &Arc<str>) {
        if *name == self.plan.name || self.unoffered.as_ref() == Some(name) {
            self.unoffered = Some(target.clone());
        }
        self.ahead.push(target.clone());
    }

    fn refuse(&mut self, provider: usize, name: &Arc<str>, is_found: bool) {
        if *name == self.plan.name {
            self.refused = Some(provider);
        }
        let upstream = &self.table.providers[provider];
        let model = name.get(upstream.name.len() + 1..).unwrap_or_default();
        if is_found && let Some(candidate) = self.table.candidate_for(provider, model.into(), name.clone()) {
            self.plan.skipped.push((candidate, Skipped::NotOffered { provider: upstream.name.clone() }));
        }
    }

    fn routes(&mut self, name: &Arc<str>, routes: &[Path], strategy: Strategy, turn: &Arc<AtomicUsize>, rng: &mut impl Rng) {
        let turn = (strategy == Strategy::RoundRobin).then(|| Turn::of(turn));
        let (enabled, disabled): (Vec<&Path>, Vec<&Path>) = routes.iter().partition(|path| path.enabled);
        let table = self.table;
        let enabled = enabled.into_iter().filter_map(|path| table.candidate_of(path, name)).collect();
        self.tiers(enabled, strategy, turn.as_ref(), rng);
        for candidate in disabled.into_iter().filter_map(|path| table.candidate_of(path, name)) {
            self.place(candidate, false);
        }
    }

    /// Places candidates that stand by priority, each group of equals in the order of `strategy`.
    fn tiers(&mut self, mut candidates: Vec<Candidate>, strategy: Strategy, turn: Option<&Turn>, rng: &mut impl Rng) {
        for tier in candidates.chunk_by_mut(|a, b| a.priority == b.priority) {
            strategy::order(tier, strategy, turn.map_or(0, Turn::number), self.now, rng);
        }
        for candidate in candidates {
            self.place(Candidate { turn: turn.cloned(), ..candidate }, true);
        }
    }

    /// Puts a candidate where it belongs, unless its upstream model stands there already.
    fn place(&mut self, candidate: Candidate, route_enabled: bool) {
        if let Some(switch) = self.switch(&candidate, route_enabled) {
            self.plan.skipped.push((candidate, Skipped::Disabled(switch)));
            return;
        }
        if !self.planned.insert((candidate.provider, candidate.model.clone())) {
            return;
        }
        match candidate.obstacle(self.now, self.policy) {
            Some(obstacle) => self.plan.skipped.push((candidate, obstacle)),
            None => self.plan.candidates.push(candidate),
        }
    }

    /// Which switch is off, if one is.
    fn switch(&self, candidate: &Candidate, route_enabled: bool) -> Option<Switch> {
        if !self.table.providers[candidate.provider].enabled {
            return Some(Switch::Provider);
        }
        if self.table.is_switched_off(candidate.provider) {
            return Some(Switch::Operator);
        }
        (!route_enabled).then_some(Switch::Route)
    }
}

impl Plan {
    /// The name as the configuration has it: the wildcard's, where the one asked for is only known by it.
    pub fn entry(&self) -> &Arc<str> {
        if let How::Wildcard(wildcard) = &self.found { wildcard } else { &self.name }
    }

    fn choose_last_resort(&mut self) {
        let can_wait = self.skipped.iter().any(|(_, skipped)| matches!(skipped, Skipped::Saturated { .. }));
        if !self.candidates.is_empty() || can_wait {
            return;
        }
        let left = |skipped: &Skipped| if let Skipped::Cooling { left } = skipped { Some(*left) } else { None };
        let cooling = self.skipped.iter().enumerate().filter_map(|(index, (_, skipped))| Some((left(skipped)?, index)));
        if let Some((_, index)) = cooling.min() {
            let (candidate, _) = self.skipped.remove(index);
            self.candidates.push(Candidate { last_resort: true, ..candidate });
        }
    }
}

#[cfg(test)]
mod tests;
