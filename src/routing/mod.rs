//! Which upstream answers: names to routes, routes to an order. Pure: no async, no I/O, no clock, no randomness of its own.
//!
//! [`RouteTable`] is what a configuration says, [`Board`] what experience says. [`resolve()`] finds what a name stands
//! for, [`plan()`] orders the routes and only reads; [`Candidate::claim`] is the first step that changes anything.

pub mod board;
pub mod breaker;
pub mod by_hand;
pub mod candidate;
#[cfg(test)]
mod fixtures;
pub mod health;
mod names;
pub mod offers;
pub mod permit;
pub mod plan;
pub mod resolve;
mod strategy;
pub mod table;

pub use board::{Account, Board};
pub use breaker::{Breaker, Millis, Standing};
pub use by_hand::ByHand;
pub use candidate::{Candidate, Turn};
pub use health::{Health, LastError, Percentiles, Report};
pub use offers::{NothingDiscovered, Offers};
pub use permit::{Failure, Permit, Skipped, Slot, Switch};
pub use plan::{How, Plan, plan};
pub use resolve::{NotFound, resolve};
pub use table::RouteTable;
