//! Which names become labels: those that the configuration has, and those that an upstream has answered to.

use llmgw::telemetry::metrics::Format;

use crate::gateway::{Gateway, says, status, text};

const CONFIG: &str = r#"
providers:
  - { name: a, base_url: "http://a.test/v1", api_key: sk-aaaaaaaaaaaaaaaaaaaa, models: [m-a] }
  - { name: b, base_url: "http://b.test/v1", api_key: sk-bbbbbbbbbbbbbbbbbbbb }
  - { name: c, base_url: "http://c.test/v1", api_key: sk-cccccccccccccccccccc }
models:
  gpt-4: { routes: [{ provider: a, model: m-a }] }
  cheap: gpt-4
  "wild-*": { routes: [{ provider: b }] }
"#;

fn page(gateway: &Gateway) -> String {
    gateway.engine.metrics().page(gateway.engine.gauges(), Format::Text)
}

/// How often the label stands on the page.
fn count(page: &str, label: &str) -> usize {
    page.matches(label).count()
}

#[tokio::test(start_paused = true)]
async fn names_are_labels_as_the_configuration_has_them() {
    let gateway = Gateway::with(CONFIG).upstream("a", says("甲")).upstream("b", says("乙")).upstream("c", status(404)).start();
    for model in ["gpt-4", "cheap", "wild-1", "wild-2", "a/m-a", "b/unlisted"] {
        text(gateway.ask(model).await.expect("an answer")).await.expect("whole");
    }
    for model in ["c/made-up", "made-up", "a/made-up"] {
        gateway.ask(model).await.err().expect("no such model");
    }
    let page = page(&gateway);
    for line in [
        r#"llmgw_requests_total{model="gpt-4",provider="a",outcome="ok"} 1"#,
        r#"llmgw_requests_total{model="cheap",provider="a",outcome="ok"} 1"#,
        r#"llmgw_requests_total{model="wild-*",provider="b",outcome="ok"} 2"#,
        r#"llmgw_requests_total{model="a/m-a",provider="a",outcome="ok"} 1"#,
        // Nobody lists it, but it was answered to.
        r#"llmgw_requests_total{model="b/unlisted",provider="b",outcome="ok"} 1"#,
        r#"llmgw_attempts_total{provider="b",model="unlisted",outcome="ok"} 1"#,
        r#"llmgw_attempts_total{provider="b",model="wild-1",outcome="ok"} 1"#,
        r#"llmgw_attempts_total{provider="c",model="other",outcome="upstream_error"} 1"#,
        r#"llmgw_requests_total{model="other",outcome="bad_request"} 2"#,
    ] {
        assert_eq!(count(&page, line), 1, "{line}\n{page}");
    }
    assert_eq!(count(&page, "made-up"), 0, "{page}");
}

#[tokio::test(start_paused = true)]
async fn the_state_of_an_upstream_is_shown_only_under_a_name_that_is_a_label() {
    let config = format!("{CONFIG}routing: {{ cooldown: {{ failures: 1, for: 1m, max: 5m }} }}\n");
    let gateway = Gateway::with(&config).upstream("a", status(500)).upstream("c", status(404)).start();
    for model in ["gpt-4", "c/made-up"] {
        gateway.ask(model).await.err().expect("a failure");
    }
    let page = page(&gateway);
    for line in [
        r#"llmgw_upstream_state{provider="a",model="m-a",state="cooling"} 1.0"#,
        r#"llmgw_upstream_state{provider="a",model="m-a",state="closed"} 0.0"#,
        r#"llmgw_provider_state{provider="a",state="cooling"} 1.0"#,
        r#"llmgw_provider_state{provider="b",state="closed"} 1.0"#,
    ] {
        assert_eq!(count(&page, line), 1, "{line}\n{page}");
    }
    assert_eq!(count(&page, "made-up"), 0, "{page}");
}
