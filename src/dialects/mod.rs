//! Wire formats: what in the bytes matters to a gateway, and nothing else. Pure: knows no provider, no URL, no socket.
//!
//! - [`json`]: a JSON object's top-level members, found without building a tree, and changed by splicing.
//! - [`multipart`]: the `model` part of a form, found and replaced in place.
//! - [`sse`]: a byte stream cut into events that can go out as the bytes that came in.
//! - [`openai_chat`]: OpenAI's requests, replies, streams and errors.

pub mod json;
pub mod multipart;
pub mod openai_chat;
pub mod sse;
