//! The fault matrix: each fault, asked for in each way, in each situation, comes to what `outcomes.txt` says.
//!
//! A cell is one [`Fault`] × one [`Kind`] of request × one [`Situation`]. What must come of it is in one table, which
//! [`table`] reads; [`play`] lets it happen, over sockets or under a paused clock; [`judge`] compares what the client saw,
//! what the log said, what the upstreams counted and what health learned. [`summary`] is `docs/faults.md`.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper of tests fails its test")]

pub mod judge;
mod log;
mod mixed;
mod paused;
pub mod play;
mod summary;
pub mod table;
mod wire;

use crate::faulty::{self, Kind, Pace};
use log::Log;
use table::Table;

/// What else there is beside the faulty upstream `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Situation {
    /// Nothing.
    Only,
    /// A healthy upstream `b` as the second route.
    Second,
    /// The same, but both routes are cooling; `a` is nearer to its recovery.
    Cooling,
}

impl Situation {
    pub const ALL: [Situation; 3] = [Situation::Only, Situation::Second, Situation::Cooling];
}

/// Plays all cells of a group whose kind is one of `kinds`, and reports all that came out otherwise at once.
async fn check(group: &str, kinds: &[Kind]) {
    crate::install_crypto();
    let (log, _guard) = Log::capture();
    let table = Table::read();
    let group = faulty::all().into_iter().find(|other| other.name == group).expect("a group of this name");
    let (mut wrong, mut played) = (Vec::new(), 0);
    for fault in &group.faults {
        for kind in fault.kinds.iter().filter(|kind| kinds.contains(kind)) {
            for situation in Situation::ALL {
                let expected = table.find(&fault.name, *kind, situation);
                let seen = match fault.pace {
                    Pace::Paused => paused::play(fault, *kind, situation, &log).await,
                    Pace::Prompt | Pace::Impatient => wire::play(fault, *kind, situation, &log).await,
                };
                played += 1;
                let complaints = judge::judge(expected, &seen);
                if !complaints.is_empty() {
                    wrong.push(format!("{} | {} | {situation:?}\n    {}", fault.name, kind.name(), complaints.join("\n    ")));
                }
            }
        }
    }
    assert!(played > 0, "nothing was played");
    assert!(wrong.is_empty(), "{} of {played} cells came out otherwise than the table says:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn connections_that_fail_come_to_what_the_table_says() {
    check("connecting", &Kind::ALL).await;
}

#[tokio::test]
async fn each_status_of_a_chat_comes_to_what_the_table_says() {
    check("statuses", &[Kind::Chat]).await;
}

#[tokio::test]
async fn each_status_of_a_stream_comes_to_what_the_table_says() {
    check("statuses", &[Kind::Stream]).await;
}

#[tokio::test]
async fn each_status_of_embeddings_comes_to_what_the_table_says() {
    check("statuses", &[Kind::Embeddings]).await;
}

#[tokio::test]
async fn each_status_of_a_form_comes_to_what_the_table_says() {
    check("statuses", &[Kind::Multipart]).await;
}

#[tokio::test]
async fn each_limit_comes_to_what_the_table_says() {
    check("limits", &Kind::ALL).await;
}

#[tokio::test]
async fn successes_that_are_none_come_to_what_the_table_says() {
    check("lies", &Kind::ALL).await;
}

#[tokio::test]
async fn streams_come_to_what_the_table_says() {
    check("streams", &Kind::ALL).await;
}

#[tokio::test]
async fn bodies_come_to_what_the_table_says() {
    check("bodies", &Kind::ALL).await;
}

#[tokio::test]
async fn odd_http_to_chats_comes_to_what_the_table_says() {
    check("protocol", &[Kind::Chat, Kind::Stream]).await;
}

#[tokio::test]
async fn odd_http_to_the_rest_comes_to_what_the_table_says() {
    check("protocol", &[Kind::Embeddings, Kind::Multipart]).await;
}

#[tokio::test]
async fn http_2_to_chats_comes_to_what_the_table_says() {
    check("http2", &[Kind::Chat, Kind::Stream]).await;
}

#[tokio::test]
async fn http_2_to_the_rest_comes_to_what_the_table_says() {
    check("http2", &[Kind::Embeddings, Kind::Multipart]).await;
}

#[tokio::test(start_paused = true)]
async fn slow_upstreams_come_to_what_the_table_says() {
    check("slow", &Kind::ALL).await;
}
