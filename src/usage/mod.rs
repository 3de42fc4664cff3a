//! What was used and what it cost.

pub mod ledger;
pub mod prices;

pub use ledger::Ledger;
pub use prices::{Capabilities, Limits, Prices, cost};
