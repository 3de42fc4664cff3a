//! All faults of one upstream at once, over shared connections: none spoils another request.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::Situation;
use super::judge::{gets, text};
use super::play::{MODEL, Told, config, question};
use super::table::{Expected, Table};
use crate::faulty::good::{FAULTY, HEALTHY, answer};
use crate::faulty::{Kind, Mix};
use crate::server::Gateway;
use crate::server::client::Ask;
use crate::server::upstream::Upstream;

/// Requests on their way at once.
const AT_ONCE: usize = 16;

/// Nothing rests, so that each request meets its fault first and the healthy upstream second.
const REST: &str = "server: { max_response: 100kB }\nrouting: { cooldown: null, backoff: { initial: 1ms, max: 1ms } }\n";

#[tokio::test]
async fn faults_that_share_connections_spoil_no_other_request() {
    let (mix, table) = (Mix::new(), Table::read());
    let faults = mix.clone();
    let a = Upstream::start(move |request| faults.steps(request)).await;
    let b = Upstream::start(|request| answer(request, HEALTHY)).await;
    let settings = |upstream: &Upstream| format!("base_url: \"{}\"", upstream.base_url());
    let gateway = Arc::new(Gateway::start(&config(Situation::Second, &settings(&a), &settings(&b), REST)).await);
    let mut cells: Vec<(usize, Kind)> =
        mix.0.iter().enumerate().flat_map(|(number, fault)| fault.kinds.iter().map(move |kind| (number, *kind))).collect();
    cells.shuffle(&mut StdRng::seed_from_u64(7));
    let asked = cells.into_iter().map(|(number, kind)| {
        let (gateway, name) = (gateway.clone(), &mix.0[number].name);
        // A key rests after a refusal, for all who share it; the last one that is left is used all the same.
        let expected = table.find(name, kind, Situation::Second);
        async move { complaint(expected, kind, &ask(&gateway, number, kind).await).map(|what| format!("{name} | {}: {what}", kind.name())) }
    });
    let wrong: Vec<String> = stream::iter(asked).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(gateway.engine.in_flight(), 0);
}

async fn ask(gateway: &Gateway, number: usize, kind: Kind) -> Told {
    let (path, content_type, body) = question(kind, MODEL);
    let ask = Ask::new(gateway.address, "POST", path).header(Mix::HEADER, &number.to_string()).body(content_type, body);
    let answer = ask.send().await;
    Told { status: answer.status, headers: answer.headers, body: answer.body, is_cut: answer.cut }
}

fn complaint(expected: &Expected, kind: Kind, told: &Told) -> Option<String> {
    let (gets, text, from) = (gets(kind, told), text(told), told.header("x-llmgw-provider"));
    let said = if expected.tried.ends_with('b') { HEALTHY } else { FAULTY };
    let holds = (told.status, &gets) == (expected.status, &expected.gets)
        && told.header("x-llmgw-attempts") == expected.tried.len().to_string()
        && (gets != "whole" || text == said && expected.tried.ends_with(from));
    (!holds).then(|| format!("expected {expected:?}, seen {} {gets} from {from:?}: {text}", told.status))
}
