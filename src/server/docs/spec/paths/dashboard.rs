//! The dashboard, and the same for scripts.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, ParameterIn};

use super::DASHBOARD;
use super::administration::{admin, provider};
use crate::engine::Explanation;
use crate::server::docs::spec::failures::list::{
    BAD_CONFIG, BAD_QUERY, BAD_REQUEST, CROWDED, ELSEWHERE, MALFORMED, MEDIA_TYPE, NO_PLAN, NO_RECORD,
};
use crate::server::docs::spec::media::{events, json, object, words};
use crate::server::docs::spec::operation::{Operation, text, word};

const PAGE: &str = "<!doctype html>";

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![pages(), page(), overview(), live()];
    all.extend(providers());
    all.extend([models(), explain(), attempt()]);
    all.extend([requests(), request(), recent(), usage(), usage_csv(), log()]);
    all.extend([config(), changes(), reload()]);
    all
}

fn ask(path: &'static str, id: &str) -> Operation {
    admin(HttpMethod::Get, path, id).fails(&[&BAD_QUERY, &ELSEWHERE])
}

fn pages() -> Operation {
    let about = "For a browser. Whoever has not shown the key is asked for it, and gets a session of twelve hours.";
    admin(HttpMethod::Get, "/admin", "dashboard")
        .about(DASHBOARD, "The dashboard", about)
        .answers("200", "A page", [words("text/html", PAGE)])
        .fails(&[&MALFORMED, &ELSEWHERE])
}

fn page() -> Operation {
    admin(HttpMethod::Get, "/admin/{path}", "dashboard_page")
        .about(
            DASHBOARD,
            "A page of the dashboard",
            "`providers`, `models`, `requests`, `usage`, `log`, `configuration`, and what is below.",
        )
        .within("path", "Of the page", "providers")
        .answers("200", "A page", [words("text/html", PAGE)])
        .fails(&[&MALFORMED, &ELSEWHERE])
}

fn window(operation: Operation) -> Operation {
    operation.optional(ParameterIn::Query, "window", "`1h`, `24h`, `7d` or `30d`", text())
}

/// One request, a model, a provider or a key.
fn which(operation: Operation) -> Operation {
    operation
        .optional(ParameterIn::Query, "model", "Only this one, as it was asked for", text())
        .optional(ParameterIn::Query, "provider", "Only this one", text())
        .optional(ParameterIn::Query, "key", "Only this one, by its name", text())
}

fn sums() -> Value {
    json!({
        "requests": 120, "failed": 1, "attempts": 123, "hedges": 0, "input": 48_000, "cached": 12_000, "cache_write": 0, "output": 9_000,
        "reasoning": 0, "uncertain": 0, "cost": 0.21, "unpriced": 0, "bytes": 91_000, "mean_ms": 812.4, "mean_first_token_ms": 240.1,
    })
}

fn history() -> Value {
    json!({
        "window": "24h", "begins": 1_795_824_000, "step_seconds": 1800, "requests": 120, "failed": 1, "success_rate": 0.9917,
        "input": 48_000, "output": 9_000, "cost": 0.21, "unpriced": 0,
        "latency": { "requests": 119, "p50": 640.0, "p95": 1800.0, "p99": 2400.0, "first_token_p50": 210.0, "first_token_p95": 600.0 },
        "series": [],
    })
}

fn overview() -> Operation {
    let about = "How the gateway is: health, providers, what was used in the window, the latest requests.";
    let example = json!({
        "version": env!("CARGO_PKG_VERSION"), "uptime_seconds": 3600,
        "health": { "status": "healthy", "providers": { "openai": true }, "healthy_providers": 1, "total_providers": 1 },
        "last_reload": null, "in_flight": 2, "providers": [provider()], "history": history(), "latest": [], "trouble": null,
    });
    window(ask("/admin/api/overview", "admin_overview")).about(DASHBOARD, "How the gateway is", about).answers(
        "200",
        "The overview",
        [object(example)],
    )
}

fn live() -> Operation {
    let about = "What happens, as it happens. `overview`: the state, when it has changed. `requests`: the account of each request that \
        has ended; `null` where some were missed. `log`: lines, as `/admin/api/log` has them. Ends with the server, and with the session.";
    ask("/admin/api/live", "admin_live")
        .about(DASHBOARD, "What happens", about)
        .parameter(ParameterIn::Query, "topics", "`overview`, `requests`, `log`, with commas between", text(), Some("overview,requests"))
        .answers("200", "Events", [events("event: overview\ndata: {\"health\":\"healthy\",\"in_flight\":0,\"providers\":[]}\n\n")])
        .fails(&[&CROWDED])
}

fn providers() -> [Operation; 3] {
    let act = json!({ "provider": "openai", "action": "disable", "ok": true });
    [
        ask("/admin/api/providers", "admin_providers")
            .about(DASHBOARD, "The providers", "As `/status` has them, with a little of their configuration.")
            .answers("200", "The providers", [object(json!({ "providers": [provider()] }))]),
        ask("/admin/api/providers/{name}", "admin_provider")
            .about(DASHBOARD, "One provider", "And its settings, masked.")
            .within("name", "Its name", "openai")
            .answers("200", "The provider", [object(provider())]),
        admin(HttpMethod::Post, "/admin/api/providers/{name}/{action}", "admin_provider_act")
            .about(
                DASHBOARD,
                "Act on a provider",
                "`test` asks each of its routes for real. `disable` switches it off until the next start, `enable` on again; reloads \
                change neither. `reset` ends its cooldowns.",
            )
            .within("name", "Its name", "openai")
            .parameter(ParameterIn::Path, "action", "What to do", word(["test", "enable", "disable", "reset"]), Some("test"))
            .answers("200", "What came of it", [object(act)])
            .fails(&[&BAD_QUERY, &ELSEWHERE, &MEDIA_TYPE]),
    ]
}

fn models() -> Operation {
    let row = json!({
        "name": "gpt-4", "provider": "openai", "upstream_model": "gpt-4o", "priority": 1, "enabled": true, "context_window": 128_000,
        "price": { "input": 2.5, "output": 10.0, "cached": 1.25, "cache_write": null }, "state": "ok", "source": "alias",
    });
    ask("/admin/api/models", "admin_models").about(DASHBOARD, "Every name that can be asked for", "One row a route.").answers(
        "200",
        "The routes",
        [object(json!({ "models": [row] }))],
    )
}

fn explain() -> Operation {
    let about = "Which upstreams a request for this model would be sent to now, in order, and which are passed over and why.";
    let live = json!({
        "state": "closed", "cooldown_left_seconds": 0.0, "failures": 0, "provider_failures": 0, "failures_allowed": 3,
        "in_flight": 2, "max_in_flight": 100,
    });
    let route = json!({
        "via": "gpt-4", "provider": "openai", "upstream_model": "gpt-4o", "priority": 1, "weight": 1,
        "price": { "input": 2.5, "output": 10.0, "cached": 1.25, "cache_write": null },
        "speaks": ["openai_chat"], "live": live, "note": null,
    });
    let plan = json!({
        "model": "gpt-4", "resolved_by": "an entry of `models`", "candidates": [route], "skipped": [], "max_attempts": 3,
    });
    admin(HttpMethod::Get, "/admin/api/explain", "explain")
        .about(DASHBOARD, "The plan for a model", about)
        .parameter(ParameterIn::Query, "model", "As a request would name it", text(), Some("auto"))
        .answers("200", "The plan", [json::<Explanation>(plan)])
        .fails(&[&BAD_QUERY, &NO_PLAN])
}

fn attempt() -> Operation {
    let body = json!({ "model": "gpt-4", "messages": [{ "role": "user", "content": "你是谁" }], "stream": true });
    admin(HttpMethod::Post, "/admin/api/try", "admin_try")
        .about(DASHBOARD, "Try a prompt", "A chat in OpenAI's form, through the gateway, as the caller `admin`. It counts, and may cost.")
        .takes(true, [object(body)])
        .answers("200", "The answer", [events("data: {\"choices\":[]}\n\n")])
        .answers("default", "As `/v1/chat/completions` answers", [super::super::media::anything("application/json")])
        .fails(&[&BAD_REQUEST, &NO_PLAN, &MEDIA_TYPE])
}

fn account() -> Value {
    json!({
        "at": 1_795_825_020_000_000_i64, "id": "req-61526a1c23b9000016ee", "received": "2026-11-28T09:00:56.083Z", "caller": "team-a",
        "model": "gpt-4", "provider": "deepseek", "upstream_model": "deepseek-chat", "status": 200, "outcome": "ok", "total_ms": 377.0,
        "attempts": [], "skipped": [],
    })
}

fn requests() -> Operation {
    let about = "Requests that have ended, the newest first, with all that is known of them. `next` is `before` of the next page.";
    which(ask("/admin/api/requests", "admin_requests"))
        .about(DASHBOARD, "Requests", about)
        .optional(ParameterIn::Query, "outcome", "`failed`, or one outcome", text())
        .optional(ParameterIn::Query, "since", "How far back, such as `24h`", text())
        .optional(ParameterIn::Query, "before", "The `next` of the page before", text())
        .optional(ParameterIn::Query, "limit", "How many, up to 1,000", text())
        .answers("200", "A page of them", [object(json!({ "requests": [account()], "next": null }))])
}

fn request() -> Operation {
    ask("/admin/api/requests/{id}", "admin_request")
        .about(DASHBOARD, "One request", "By its id, or the beginning of it. `earlier` are others that had the same id.")
        .within("id", "Its id", "req-61526a1c23b9000016ee")
        .answers("200", "Its account", [object(account())])
        .fails(&[&NO_RECORD])
}

fn recent() -> Operation {
    let about = "In the last minute, in the last hour and today. Exact to the minute: the last one begins with a minute of the clock, between \
        30 and 90 seconds ago. `null` while there is no file of the ledger yet.";
    let row = |name: &str| {
        let mut row = sums();
        row["name"] = json!(name);
        row
    };
    let span = json!({
        "begins": 1_795_824_000, "seconds": 62.5, "requests": 120, "failed": 1, "success_rate": 0.9917, "requests_per_second": 1.92,
        "input": 48_000, "output": 9_000, "output_per_second": 144.0, "cost": 0.21, "unpriced": 0,
        "latency": { "requests": 119, "p50": 640.0, "p95": 1800.0, "p99": 2400.0, "first_token_p50": 210.0, "first_token_p95": 600.0 },
        "models": [row("gpt-4")], "keys": [row("team-a")],
    });
    ask("/admin/api/recent", "admin_recent").about(DASHBOARD, "What was used of late", about).answers(
        "200",
        "Sums, by model and by key",
        [object(json!({ "minute": span, "hour": span, "today": span }))],
    )
}

fn usage() -> Operation {
    let mut example = history();
    example["by"] = json!("model");
    example["rows"] = json!([sums()]);
    example["lost_rows"] = json!(0);
    window(which(ask("/admin/api/usage", "admin_usage")))
        .about(DASHBOARD, "What was used", "Sums, exact to the minute, and to a quarter of an hour for what is older than two days.")
        .optional(ParameterIn::Query, "by", "`model`, `provider`, `key`, `day` or `upstream`", text())
        .answers("200", "The sums", [object(example)])
}

fn usage_csv() -> Operation {
    window(which(ask("/admin/api/usage.csv", "admin_usage_csv")))
        .about(DASHBOARD, "What was used, for a spreadsheet", "")
        .optional(ParameterIn::Query, "by", "`model`, `provider`, `key`, `day` or `upstream`", text())
        .answers("200", "The sums", [words("text/csv", "name,requests,failed\ngpt-4,120,1\n")])
}

fn log() -> Operation {
    let line = json!({
        "sequence": 17, "time": "2026-11-28T09:00:56.083Z", "level": "info", "text": "started providers=2 models=3", "request": null,
        "message": "started", "fields": "providers=2 models=3",
    });
    ask("/admin/api/log", "admin_log")
        .about(DASHBOARD, "The last lines of the log", "The last 1,000, the oldest first. `last` is `after` of what follows.")
        .optional(ParameterIn::Query, "level", "At least as severe", text())
        .optional(ParameterIn::Query, "text", "What they hold", text())
        .optional(ParameterIn::Query, "after", "After this line", text())
        .answers("200", "Lines", [object(json!({ "lines": [line], "missed": 0, "last": 17 }))])
}

fn config() -> Operation {
    let example = json!({ "origin": "/etc/llmgw/llmgw.yaml", "age_seconds": 60, "last_reload": null, "config": {} });
    ask("/admin/api/config", "admin_config")
        .about(DASHBOARD, "The configuration in force", "With every default, and with secrets masked.")
        .answers("200", "The configuration", [object(example)])
}

fn changed() -> Value {
    let change = json!({ "key": "models.gpt-4.strategy", "before": "priority", "after": "fastest", "restart_required": false });
    json!({
        "message": "1 change", "providers_count": 2, "changed": ["models.gpt-4.strategy"], "restart_required": [], "changes": [change],
    })
}

fn changes() -> Operation {
    admin(HttpMethod::Get, "/admin/api/config/changes", "admin_config_changes")
        .about(DASHBOARD, "What a reload would change", "With values before and after; those of secrets are masked.")
        .answers("200", "The changes", [object(changed())])
        .fails(&[&BAD_CONFIG, &ELSEWHERE])
}

fn reload() -> Operation {
    admin(HttpMethod::Post, "/admin/api/config/reload", "admin_config_reload")
        .about(DASHBOARD, "Reload the configuration", "As `POST /reload`, with the values of what changed.")
        .answers("200", "The changes", [object(changed())])
        .fails(&[&BAD_CONFIG, &ELSEWHERE, &MEDIA_TYPE])
}
