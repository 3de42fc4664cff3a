//! Plays a cell over sockets: a raw client, the server, and the faulty upstream on the wire.

use std::sync::Arc;

use llmgw::transport::{Pools, Transport};

use super::Situation;
use super::log::Log;
use super::play::{MODEL, Seen, Told, config, cool, question, sent};
use crate::faulty::good::{HEALTHY, answer};
use crate::faulty::{Break, Fault, Faulty, Kind, Pace, Place};
use crate::server::Gateway;
use crate::server::client::Ask;
use crate::server::upstream::Upstream;

/// Small against what faulty upstreams send, large against what healthy ones do.
const REST: &str = "server: { max_response: 100kB }\nrouting: { backoff: { initial: 1ms, max: 1ms } }\n";

/// So short that they are always met by an upstream that never answers; `connect` well before the others.
const IMPATIENT: &str = ", timeout: { connect: 100ms, first_byte: 250ms, first_content: 250ms, non_stream: 250ms }";

pub async fn play(fault: &Fault, kind: Kind, situation: Situation, log: &Log) -> Seen {
    let faulty = Faulty::start(fault).await;
    let b = Upstream::start(|request| answer(request, HEALTHY)).await;
    let limits = if fault.pace == Pace::Impatient { IMPATIENT } else { "" };
    let config = config(situation, &format!("{}{limits}", faulty.settings), &format!("base_url: \"{}\"", b.base_url()), REST);
    let pools = Pools::resolving_by(faulty.resolver.clone());
    let transport_for = move |provider: &llmgw::config::Provider| Some(pools.relay(provider).expect("usable") as Arc<dyn Transport>);
    let gateway = Gateway::start_over(Arc::new(transport_for), &config).await;
    if fault.is_warm {
        ask(&gateway, kind, "a/m-a").send().await;
        log.of_request().await;
    }
    let before = faulty.count();
    if situation == Situation::Cooling {
        cool(&gateway.engine);
    }
    log.forget();
    let answer = ask(&gateway, kind, MODEL).send().await;
    let told = Told { status: answer.status, headers: answer.headers, body: answer.body, is_cut: answer.cut };
    let lines = log.of_request().await;
    let at_a = faulty.count().zip(before).map(|(after, before)| after - before);
    let status = gateway.engine.status();
    gateway.task.abort();
    Seen {
        kind,
        situation,
        told,
        sent: sent(fault, kind),
        lines,
        status,
        at_a,
        at_b: b.count(),
        is_warm: fault.is_warm,
        turns_away: fault.place == Place::Http2(Break::Refused),
    }
}

fn ask(gateway: &Gateway, kind: Kind, model: &str) -> Ask {
    let (path, content_type, body) = question(kind, model);
    Ask::new(gateway.address, "POST", path).body(content_type, body)
}
