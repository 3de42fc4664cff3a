//! One file a subject: what is known of it, its page over that, and what can be done to it.

pub(super) mod configuration;
pub(super) mod live;
pub(super) mod log;
pub(super) mod login;
pub(super) mod models;
pub(super) mod overview;
pub(super) mod providers;
pub(super) mod recent;
pub(super) mod refused;
pub(super) mod request;
pub(super) mod requests;
pub(super) mod trial;
pub(super) mod usage;
mod window;
