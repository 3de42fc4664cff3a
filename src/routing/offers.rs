//! What was discovered: asked of whoever knows.

use std::sync::Arc;

/// Models that providers were found to offer. Models that the configuration lists need not be known here.
pub trait Offers {
    /// Whether the provider with this index offers `model`.
    fn offers(&self, provider: usize, model: &str) -> bool;
    /// All that the provider with this index offers.
    fn names(&self, provider: usize) -> Vec<Arc<str>>;
}

/// Nothing was discovered.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingDiscovered;

impl Offers for NothingDiscovered {
    fn offers(&self, _: usize, _: &str) -> bool {
        false
    }

    fn names(&self, _: usize) -> Vec<Arc<str>> {
        Vec::new()
    }
}
