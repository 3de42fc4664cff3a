//! What a name stands for: the order of contract §4.
//!
//! Finds one step only; aliases and fallbacks are followed by [`super::plan()`].

use std::fmt;
use std::sync::Arc;

use super::names;
use super::offers::Offers;
use super::table::{Entry, Goal, RouteTable};

pub use crate::config::AUTO;

/// How much of a name that does not exist is repeated.
const LONGEST_REPEATED: usize = 128;

/// What a name was found to be.
#[derive(Debug)]
pub enum Found<'t> {
    /// A name of `models`, a wildcard included.
    Named(Named<'t>),
    /// `auto`.
    Auto,
    /// PROVIDER/MODEL; the provider may be disabled.
    Direct {
        /// Index of the provider.
        provider: usize,
        /// The upstream's name of the model.
        model: Arc<str>,
    },
    /// A bare id that these enabled providers offer, most preferred first.
    Offered(Vec<usize>),
}

/// A name of `models`.
#[derive(Clone, Copy, Debug)]
pub struct Named<'t>(pub(super) &'t Entry);

impl Named<'_> {
    /// The name as the file writes it.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

/// [`Found`], and the provider that was named but does not offer the model.
#[derive(Debug)]
pub struct Resolution<'t> {
    /// What it is; `None`: nothing, or disabled.
    pub found: Option<Found<'t>>,
    /// PROVIDER/MODEL was meant, and `models` or `match` of this provider refused it.
    pub refused: Option<usize>,
}

/// No such model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NotFound {
    /// The name as asked for, cut to a bearable length.
    pub name: String,
    /// The name exists, but stands for this one, which does not.
    pub target: Option<Arc<str>>,
    /// The provider that was named and does not offer it.
    pub refused_by: Option<Arc<str>>,
    /// Up to three names that look alike, best first.
    pub nearest: Vec<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.target, &self.refused_by) {
            (Some(target), _) => write!(f, "the model `{}` stands for `{target}`, which nothing offers", self.name)?,
            (None, Some(provider)) => write!(f, "the provider `{provider}` does not offer the model `{}`", self.name)?,
            (None, None) => write!(f, "the model `{}` does not exist", self.name)?,
        }
        match self.nearest.as_slice() {
            [] => Ok(()),
            [one] => write!(f, "; did you mean `{one}`?"),
            [first @ .., last] => write!(f, "; did you mean `{}` or `{last}`?", first.join("`, `")),
        }
    }
}

/// Finds what `name` is.
pub fn resolve<'t>(table: &'t RouteTable, offers: &dyn Offers, name: &str) -> Resolution<'t> {
    let certain = without_discovery(table, name);
    if certain.found.is_some() || table.hides(name) {
        return certain;
    }
    let offering = offering(table, offers, name);
    if !offering.is_empty() {
        return Resolution { found: Some(Found::Offered(offering)), ..certain };
    }
    let wildcard = table.wildcards.iter().find(|(wildcard, _)| wildcard.matches(name));
    let found = wildcard.filter(|(_, entry)| entry.enabled).map(|(_, entry)| Found::Named(Named(entry)));
    Resolution { found, ..certain }
}

/// Whether what `name` resolves to depends on models that are still to be discovered from one of the providers for
/// which `is_pending` holds. Follows short forms.
pub fn awaits_discovery(table: &RouteTable, name: &str, is_pending: impl Fn(usize) -> bool) -> bool {
    let mut name: &str = name;
    // More steps than names are a cycle.
    for _ in 0..=table.exact.len() {
        match table.exact.get(name) {
            Some(entry) if entry.enabled => match &entry.goal {
                Goal::Name(target) => name = target,
                Goal::Routes { .. } => return false,
            },
            Some(_) => return false,
            None => {
                let open = without_discovery(table, name).found.is_none() && !table.listed.contains_key(name);
                return open && table.preferred.iter().any(|index| table.providers[*index].discovers() && is_pending(*index));
            }
        }
    }
    false
}

/// Why `name` has no route, with names that do exist.
pub(super) fn not_found(table: &RouteTable, offers: &dyn Offers, name: &str, target: Option<Arc<str>>, refused: Option<usize>) -> NotFound {
    let discovered = table.preferred.iter().filter(|index| table.providers[**index].discovers()).flat_map(|index| offers.names(*index));
    let known = table.names().iter().chain(table.listed.keys()).cloned().chain(discovered).filter(|known| {
        let is_asked = **known == *name;
        // A listed model may be hidden by a disabled name.
        !is_asked && !table.hides(known)
    });
    NotFound {
        name: shortened(name),
        target,
        refused_by: refused.and_then(|index| table.providers.get(index)).map(|provider| provider.name.clone()),
        nearest: names::nearest(name, known),
    }
}

/// The rules that need no discovery: exact names, `auto`, PROVIDER/MODEL.
fn without_discovery<'t>(table: &'t RouteTable, name: &str) -> Resolution<'t> {
    if let Some(entry) = table.exact.get(name) {
        return Resolution { found: entry.enabled.then_some(Found::Named(Named(entry))), refused: None };
    }
    if name == AUTO && table.has_auto() {
        return Resolution { found: Some(Found::Auto), refused: None };
    }
    let mut refused = None;
    for (provider, model) in table.splits(name) {
        if table.providers[provider].takes(model) {
            return Resolution { found: Some(Found::Direct { provider, model: model.into() }), refused: None };
        }
        refused = refused.or(Some(provider));
    }
    Resolution { found: None, refused }
}

/// Enabled providers that list `name`, or were found to offer it.
fn offering(table: &RouteTable, offers: &dyn Offers, name: &str) -> Vec<usize> {
    let listed = table.listed.get(name).map(Vec::as_slice).unwrap_or_default();
    let offers_it = |index: &usize| {
        let provider = &table.providers[*index];
        listed.contains(index) || (provider.discovers() && offers.offers(*index, name) && provider.takes(name))
    };
    table.preferred.iter().copied().filter(offers_it).collect()
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_REPEATED) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
