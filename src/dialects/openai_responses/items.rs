//! The conversation: items here, messages in the hub.
//!
//! What the model said in one go is several items (reasoning, texts, calls) and one message. Results of tools are items of
//! their own, and those that follow each other one message of the user.

mod decode;
mod encode;
mod parts;

pub(super) use decode::decode;
pub(super) use encode::{WireItem, encode};
pub(super) use parts::{WireCitation, read_citation};
