//! Those who ask: most wait for their answer, some leave, stall, or send half of a request.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::faulty::good::HEALTHY;
use crate::faulty::{Kind, Mix};
use crate::matrix::judge::{gets, text};
use crate::matrix::play::{Told, question};
use crate::server::client::{Answer, Ask, Wire};

use super::Soak;
use super::judge::judge;
use super::world::{Cell, WORDS};

/// Clients with one question after the other, and the longest pause between two.
const CALLERS: u64 = 24;
const PAUSE_MS: u64 = 100;

/// Clients with one long stream after the other.
const LISTENERS: u64 = 150;

/// The same seed makes the same choices.
pub fn start(soak: &Arc<Soak>, seed: u64, tasks: &mut JoinSet<()>) {
    let rng = |client: u64| StdRng::seed_from_u64(seed * (CALLERS + LISTENERS) + client);
    for client in 0..CALLERS {
        tasks.spawn(call_again_and_again(soak.clone(), rng(client)));
    }
    for client in CALLERS..CALLERS + LISTENERS {
        tasks.spawn(listen_again_and_again(soak.clone(), rng(client)));
    }
}

async fn call_again_and_again(soak: Arc<Soak>, mut rng: StdRng) {
    let mut kept = None;
    while !soak.is_over() {
        sleep(Duration::from_millis(rng.random_range(0..PAUSE_MS))).await;
        let cell = soak.world.cells.choose(&mut rng).expect("cells");
        let Ok(_alone) = cell.alone.as_ref().map(|alone| alone.try_lock()).transpose() else { continue };
        let moment = Duration::from_millis(rng.random_range(0..200));
        match rng.random_range(0..100) {
            0..8 => soak.noted(leave(&soak, cell, moment)).await,
            8..12 => soak.noted(send_half(&soak, cell, moment)).await,
            12..14 => soak.noted(wait_for_the_late(&soak)).await,
            _ => soak.noted(ask(&soak, cell, &mut kept)).await,
        }
    }
}

async fn listen_again_and_again(soak: Arc<Soak>, mut rng: StdRng) {
    // Not all at once.
    sleep(Duration::from_millis(rng.random_range(0..1000))).await;
    while !soak.is_over() {
        let moment = Duration::from_millis(rng.random_range(0..2000));
        match rng.random_range(0..10) {
            0 => soak.noted(stop_listening(&soak, moment)).await,
            1 => soak.noted(listen(&soak, Some(moment))).await,
            _ => soak.noted(listen(&soak, None)).await,
        }
    }
}

/// An outcome to be counted, or what is wrong with it.
type Outcome = Result<String, String>;

impl Soak {
    /// Counts what comes of a request. One that panics, since the gateway did what no client could understand, is wrong as well.
    async fn noted(&self, asking: impl Future<Output = Outcome>) {
        let outcome = AssertUnwindSafe(asking).catch_unwind().await.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(text.unwrap_or_else(|| "a panic".to_owned()))
        });
        self.books.note(outcome);
    }

    fn asking(&self, cell: &Cell) -> Ask {
        let (path, content_type, body) = question(cell.kind, &cell.model);
        let ask = Ask::new(self.gateway.door.address, "POST", path).body(content_type, body);
        match cell.number {
            Some(number) => ask.header(Mix::HEADER, &number.to_string()),
            None => ask,
        }
    }

    fn streaming(&self, model: &str) -> Ask {
        let (path, content_type, body) = question(Kind::Stream, model);
        Ask::new(self.gateway.door.address, "POST", path).body(content_type, body)
    }
}

/// Asks over a connection that is kept, where there is one, and keeps it where it may be.
async fn ask(soak: &Soak, cell: &Cell, kept: &mut Option<Wire<TcpStream>>) -> Outcome {
    let ask = soak.asking(cell);
    let before = soak.phase();
    let mut wire = match kept.take() {
        Some(wire) => wire,
        None => Wire::connect(soak.gateway.door.address).await,
    };
    wire.write(&ask.to_bytes(true)).await;
    let answer = wire.answer().await;
    let after = soak.phase();
    if !answer.cut && answer.header("connection") != "close" {
        *kept = Some(wire);
    }
    // What was asked under one configuration may have been answered under another's rests.
    judge(cell, &told(answer), before != after || after.1)
}

fn told(answer: Answer) -> Told {
    Told { status: answer.status, headers: answer.headers, body: answer.body, is_cut: answer.cut }
}

/// Goes away, whatever has come by then.
async fn leave(soak: &Soak, cell: &Cell, when: Duration) -> Outcome {
    let wire = soak.asking(cell).open().await;
    sleep(when).await;
    drop(wire);
    Ok("(left)".to_owned())
}

/// Sends half of a request, in its head or its body, and goes away.
async fn send_half(soak: &Soak, cell: &Cell, when: Duration) -> Outcome {
    let bytes = soak.asking(cell).to_bytes(true);
    let mut wire = Wire::connect(soak.gateway.door.address).await;
    let length = bytes.len() * (1 + when.as_millis() as usize % 9) / 10;
    wire.write(&bytes[..length]).await;
    sleep(when).await;
    drop(wire);
    Ok("(half of a request)".to_owned())
}

/// Asks a route that is late, which the next one overtakes.
async fn wait_for_the_late(soak: &Soak) -> Outcome {
    let answer = soak.streaming("late").send().await;
    let from = answer.header("x-llmgw-provider").to_owned();
    whole(answer, HEALTHY).map(|outcome| format!("{outcome}, of {}", if from == "b" { "the hedge" } else { "the late route" }))
}

/// Listens to a long stream to its end; with `stall`, stops reading for so long after its first words.
async fn listen(soak: &Soak, stall: Option<Duration>) -> Outcome {
    let mut wire = soak.streaming("long/m-t").open().await;
    let mut answer = wire.head().await;
    if let Some(stall) = stall {
        sleep(stall).await;
    }
    match wire.remainder().await {
        Ok(body) => answer.body = body,
        Err(_) => answer.cut = true,
    }
    let outcome = whole(answer, WORDS)?;
    Ok(if stall.is_some() { format!("{outcome}, a long stream, stalled") } else { format!("{outcome}, a long stream") })
}

async fn stop_listening(soak: &Soak, when: Duration) -> Outcome {
    let mut wire = soak.streaming("long/m-t").open().await;
    let status = wire.head().await.status;
    sleep(when).await;
    drop(wire);
    if status == 200 { Ok("(left within a long stream)".to_owned()) } else { Err(format!("a long stream began with {status}")) }
}

fn whole(answer: Answer, words: &str) -> Outcome {
    let told = told(answer);
    let (gets, text) = (gets(Kind::Stream, &told), text(&told));
    if (told.status, &*gets, &*text) == (200, "whole", words) {
        return Ok("200 whole".to_owned());
    }
    Err(format!("a healthy stream: {} {gets}: {text}\n    {}", told.status, String::from_utf8_lossy(&told.body)))
}
