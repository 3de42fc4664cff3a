use std::time::Duration;

use super::short;
use super::waterfall::lanes;
use crate::admin::texts::Language;
use crate::hub::Outcome;
use crate::telemetry::Record;
use crate::telemetry::record::{Attempt, Route};

fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn attempt(began: u64, took: u64) -> Attempt {
    Attempt {
        route: Route { via: "gpt-4".into(), provider: "a".into(), upstream_model: "m-a".into() },
        peer: Default::default(),
        dialect: None,
        began: milliseconds(began),
        connect: None,
        tls: None,
        first_byte: None,
        first_token: None,
        took: milliseconds(took),
        status: None,
        outcome: Outcome::UpstreamError,
        reason: None,
        usage: None,
        cost: None,
        is_hedge: false,
        span: None,
    }
}

#[test]
fn a_bar_lies_where_its_attempt_was_and_its_parts_follow_each_other() {
    let first = Attempt { connect: Some(milliseconds(10)), tls: Some(milliseconds(10)), ..attempt(0, 100) };
    let second =
        Attempt { first_byte: Some(milliseconds(50)), first_token: Some(milliseconds(100)), outcome: Outcome::Ok, ..attempt(100, 300) };
    let record = Record { attempts: vec![first, second], total: milliseconds(400), ..Record::default() };
    let texts = Language::English.texts();
    let lanes = lanes(&record, texts);
    let shown = |lane: usize| lanes[lane].parts.iter().map(|part| (part.class, part.x, part.width)).collect::<Vec<_>>();
    assert_eq!(shown(0), [("connect", 0.0, 50.0), ("wait", 50.0, 200.0)]);
    assert_eq!(shown(1), [("wait", 250.0, 125.0), ("think", 375.0, 125.0), ("answer", 500.0, 500.0)]);
    assert_eq!(lanes[1].parts[2].title, "Answering: 200 ms");
}

#[test]
fn what_is_short_is_seen_and_nothing_leaves_the_picture() {
    let record = Record { attempts: vec![attempt(0, 0), attempt(9_999, 1)], total: milliseconds(10_000), ..Record::default() };
    let lanes = lanes(&record, Language::Chinese.texts());
    assert!(lanes[0].parts.is_empty(), "it took no time at all");
    let last = &lanes[1].parts[0];
    assert!(last.width >= 4.0 && last.x + last.width <= 1000.0, "{last:?}");
}

#[test]
fn long_names_are_cut_by_characters() {
    assert_eq!((short("模型一二三", 5), short("模型一二三四", 5)), ("模型一二三".to_owned(), "模型一二…".to_owned()));
}
