//! What was used, and what it costs.

pub mod prices;

pub use prices::{Capabilities, Limits, Prices, cost};
