//! Soak: the real binary under all faults at once, for as long as one likes, with clients that misbehave as well.
//!
//! [`world`] is what stands around the gateway: an upstream for each place where a fault can happen, healthy ones, the
//! configuration; [`clients`] are those who ask; [`judge`] holds each answer against the table of the matrix; [`books`]
//! counts, and looks at memory and open files. `LLMGW_SOAK=20m` says for how long, `LLMGW_SOAK_BINARY` which build.

mod books;
mod clients;
mod judge;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use llmgw::config::Env;
use rustix::process::Signal;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::cli::process::Home;
use crate::server::client::Ask;
use crate::under_load::{Gateway, until};
use books::Books;
use world::World;

/// Within a run of all tests.
const SHORT: Duration = Duration::from_secs(5);

/// Before memory and open files are compared: pools, threads and allocators have grown to their size by then.
const WARM_UP: u32 = 5;

/// Between two reloads. Every [`REST`]th configuration lets upstreams rest.
const RELOAD: Duration = Duration::from_secs(1);
const REST: usize = 4;

/// What all tasks share.
pub struct Soak {
    pub gateway: Gateway,
    pub world: World,
    pub books: Books,
    is_over: AtomicBool,
    reloads: AtomicUsize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_at_load_are_answered_as_the_table_says_and_leave_nothing_behind() {
    crate::install_crypto();
    let env = Env::capture();
    let length = env.get_filled("LLMGW_SOAK").map_or(SHORT, |text| humantime::parse_duration(text).expect("a duration"));
    let world = World::build().await;
    let home = Home::with(&world.config(0));
    let program = env.get_filled("LLMGW_SOAK_BINARY").unwrap_or(env!("CARGO_BIN_EXE_llmgw"));
    let line = home.binary(program, &["serve", "--port", "0", "--no-watch"]);
    let gateway = Gateway::run(home, line);
    let books = Books::open(&gateway);
    let soak = Soak { gateway, world, books, is_over: AtomicBool::new(false), reloads: AtomicUsize::new(0) };
    let soak = Arc::new(soak);
    soak.clone().run(1, length / WARM_UP).await;
    let files = soak.idle().await;
    soak.books.begin();
    soak.clone().run(2, length - length / WARM_UP).await;
    until("every descriptor to be closed", async || soak.gateway.descriptors() <= files).await;
    let left = soak.idle().await;
    let soak = Arc::into_inner(soak).expect("nobody asks any more");
    eprintln!("{}", soak.books.report(length, &soak.gateway, files, left));
    soak.books.check(length);
    soak.gateway.signal(Signal::TERM);
    let ended = soak.gateway.ends(0);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}

impl Soak {
    /// Load for `length`, and until the last request has ended.
    async fn run(self: Arc<Soak>, seed: u64, length: Duration) {
        self.is_over.store(false, Ordering::SeqCst);
        let mut tasks = JoinSet::new();
        clients::start(&self, seed, &mut tasks);
        tasks.spawn(self.clone().reload_again_and_again());
        tasks.spawn(self.clone().look_again_and_again());
        tokio::time::sleep(length).await;
        self.is_over.store(true, Ordering::SeqCst);
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no panic");
        }
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Counts the configurations so far, and whether upstreams rest under the present one.
    pub fn phase(&self) -> (usize, bool) {
        let number = self.reloads.load(Ordering::SeqCst);
        (number, number % REST == REST - 1)
    }

    async fn reload_again_and_again(self: Arc<Soak>) {
        while !self.is_over() {
            tokio::time::sleep(RELOAD).await;
            let number = self.reloads.load(Ordering::SeqCst) + 1;
            self.gateway.put("llmgw.yaml", &self.world.config(number));
            if number % REST == REST - 1 {
                // From before they may rest until after they may no more.
                self.reloads.store(number, Ordering::SeqCst);
            }
            let answer = Ask::new(self.gateway.door.address, "POST", "/reload").json("{}").send().await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.reloads.store(number, Ordering::SeqCst);
        }
        // What follows is comparable only under the first configuration's rules.
        self.reloads.store(self.reloads.load(Ordering::SeqCst).next_multiple_of(REST), Ordering::SeqCst);
        self.gateway.put("llmgw.yaml", &self.world.config(0));
        assert_eq!(Ask::new(self.gateway.door.address, "POST", "/reload").json("{}").send().await.status, 200);
    }

    async fn look_again_and_again(self: Arc<Soak>) {
        while !self.is_over() {
            self.books.look(&self.gateway);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Waits until nothing is under way any more, and counts the open files.
    async fn idle(&self) -> usize {
        let status = || async { Ask::new(self.gateway.door.address, "GET", "/status").send().await.json() };
        let held = |status: &Value| {
            let providers = status["providers"].as_array().map(Vec::as_slice).unwrap_or_default();
            providers.iter().map(|provider| provider["in_flight"].as_u64().unwrap_or(0)).sum::<u64>()
                + status["in_flight"].as_u64().unwrap_or(0)
        };
        until("the last request's end", async || held(&status().await) == 0).await;
        // Pools let go of what is idle for a second, and a number that stays the same is the last one.
        let (mut files, mut same) = (0, 0);
        until("open files to stay the same", async || {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = self.gateway.descriptors();
            same = if now == files { same + 1 } else { 0 };
            files = now;
            same >= 5
        })
        .await;
        files
    }
}
