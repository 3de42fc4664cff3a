//! `llmgw run`: an agent, real requests of its, and a gateway that is there as long as it needs one.
//!
//! The agents are scripts of the shell. Where they ask, they do it with `llmgw chat`, which speaks every dialect.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use super::process::{Home, Line, free_port};
use super::serve::Gateway;
use super::upstream::Upstream;

/// Puts an agent onto the path of `home`.
fn agent(home: &Home, name: &str, script: &str) {
    let path = home.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}

/// `llmgw run` with these arguments, and the agents of `home` on the path.
fn run(home: &Home, arguments: &[&str]) -> Line {
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    home.llmgw(&[&["run"], arguments].concat()).env("PATH", &path).env("LLMGW", env!("CARGO_BIN_EXE_llmgw"))
}

/// Asks by Anthropic's dialect at the address and with the token of Claude Code.
const ASKS_AS_CLAUDE: &str = r#"
cat > agent.yaml <<END
providers: [{ name: gw, type: anthropic, base_url: "$ANTHROPIC_BASE_URL", api_key: "$ANTHROPIC_AUTH_TOKEN", models: [m] }]
storage: { path: agent.db }
END
exec "$LLMGW" -c agent.yaml chat -m m "$@"
"#;

/// Asks by OpenAI's dialect at the address that Codex is given as `-c model_providers.llmgw.base_url="…"`.
const ASKS_AS_CODEX: &str = r#"
for argument; do
  case "$argument" in model_providers.llmgw.base_url=*) url="${argument#*=}" ;; esac
done
cat > agent.yaml <<END
providers: [{ name: gw, base_url: $url, api_key: "$LLMGW_API_KEY", models: [m] }]
storage: { path: agent.db }
END
exec "$LLMGW" -c agent.yaml chat -m m 你好
"#;

#[test]
fn an_agent_asks_a_gateway_of_its_own() {
    let upstream = Upstream::saying("你好，世界");
    let home = Home::with(&upstream.config());
    agent(&home, "claude", ASKS_AS_CLAUDE);
    let ended = run(&home, &["claude", "--", "在吗"]).ends(0).prints("你好，世界\n");
    assert!(ended.err.contains("claude talks to a gateway of its own at http://127.0.0.1:"), "{ended:#?}");
    let asked = upstream.requests();
    assert_eq!(asked.len(), 1, "{asked:#?}");
    assert_eq!((asked[0].path.as_str(), asked[0].body["model"].as_str()), ("/v1/chat/completions", Some("m")));
    // What went through is in the ledger of the one who ran it.
    assert!(home.run(&["logs"], 0).out.contains(" m "), "the request is not recorded");
}

#[test]
fn codex_is_led_by_its_own_flags() {
    let home = Home::with(&Upstream::saying("好").config());
    agent(&home, "codex", ASKS_AS_CODEX);
    run(&home, &["codex", "--", "exec", "hi"]).ends(0).prints("好\n");
}

#[test]
fn nobody_else_gets_in() {
    let home = Home::with("providers: [{ name: a, type: mock, models: [m] }]\n");
    agent(&home, "claude", &ASKS_AS_CLAUDE.replace("$ANTHROPIC_AUTH_TOKEN", "sk-guessed-by-somebody"));
    let ended = run(&home, &["claude", "--", "hi"]).ends(1).prints("");
    assert!(ended.err.contains("401"), "{ended:#?}");
}

#[test]
fn a_gateway_that_runs_is_used() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&format!("{}server: {{ port: {} }}\n", upstream.config(), free_port()));
    let gateway = Gateway::start(home.llmgw(&["serve"]));
    agent(&home, "claude", "echo \"$ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN\"");
    run(&home, &["claude"]).ends(0).prints(&format!("{} not-needed-here\n", gateway.url())).says(&["the gateway that runs"]);
    let own = run(&home, &["claude", "--private"]).ends(0).says(&["a gateway of its own"]).out;
    assert!(own.contains(" sk-llmgw-") && !own.contains(&gateway.url()), "{own}");
    // The same port, but another file: this is another gateway's.
    let port = gateway.authority.rsplit(':').next().expect("a port");
    home.write("other.yaml", format!("providers: [{{ name: b, type: mock }}]\nserver: {{ port: {port} }}\n"));
    run(&home, &["-c", "other.yaml", "claude"]).ends(0).says(&["a gateway of its own"]);
}

/// Its list of models is open, which says nothing of keys.
#[test]
fn a_gateway_that_shows_its_models_to_all_wants_a_key_all_the_same() {
    let upstream = Upstream::saying("好");
    let auth = "auth: { open_models: true, keys: [sk-of-a-client-0001] }\n";
    let home = Home::with(&format!("{}{auth}server: {{ port: {} }}\n", upstream.config(), free_port()));
    let _gateway = Gateway::start(home.llmgw(&["serve"]));
    agent(&home, "claude", ASKS_AS_CLAUDE);
    run(&home, &["claude", "--", "hi"]).ends(0).says(&["a gateway of its own"]);
}

#[test]
fn a_gateway_with_keys_takes_one_that_is_given() {
    let home = Home::with(&format!(
        "providers: [{{ name: a, type: mock }}]\nauth: {{ keys: [sk-of-a-client-0001] }}\nserver: {{ port: {} }}\n",
        free_port()
    ));
    let gateway = Gateway::start(home.llmgw(&["serve"]));
    agent(&home, "claude", "echo \"$ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN\"");
    let used = format!("{} sk-of-a-client-0001\n", gateway.url());
    run(&home, &["claude", "--key", "sk-of-a-client-0001"]).ends(0).prints(&used);
    run(&home, &["claude"]).env("LLMGW_API_KEY", "sk-of-a-client-0001").ends(0).prints(&used);
    run(&home, &["claude", "--url", &gateway.url(), "--key", "sk-of-a-client-0001"]).ends(0).prints(&used);
    run(&home, &["claude"]).ends(0).says(&["a gateway of its own"]);
    run(&home, &["claude", "--key", "sk-wrong"]).ends(1).prints("").says(&["refuses the key", "hint:"]);
    run(&home, &["claude", "--url", &gateway.url()]).ends(1).prints("").says(&["wants a key", "--key"]);
    run(&home, &["claude", "--url", "http://127.0.0.1:1"]).ends(1).says(&["no gateway answers"]);
}

#[test]
fn the_environment_of_an_agent_leads_nowhere_else() {
    let home = Home::with("providers: [{ name: a, type: mock }]\n");
    agent(&home, "claude", "echo \"${ANTHROPIC_API_KEY-unset} $NO_PROXY\"");
    let line = run(&home, &["claude"]).env("ANTHROPIC_API_KEY", "sk-ant-of-the-user").env("http_proxy", "http://127.0.0.1:1");
    line.ends(0).prints("unset localhost,127.0.0.1,::1\n");
    agent(&home, "aichat", "cat \"$AICHAT_CONFIG_FILE\"; echo; echo \"$AICHAT_MODEL\"");
    let ended = run(&home, &["aichat", "-m", "模型"]).ends(0);
    assert!(ended.out.ends_with("\nllmgw:模型\n") && ended.out.contains("\"openai-compatible\""), "{ended:#?}");
    agent(&home, "anything", "echo \"$OPENAI_BASE_URL|$ANTHROPIC_BASE_URL|$1\"");
    let out = run(&home, &["--", "anything", "--private"]).ends(0).out;
    let parts: Vec<&str> = out.trim_end().split('|').collect();
    assert!(parts[0] == format!("{}/v1", parts[1]) && parts[2] == "--private", "{out}");
}

#[test]
fn the_exit_code_is_the_agents() {
    let home = Home::with("providers: [{ name: a, type: mock }]\n");
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("exit 130", 130), ("kill -9 $$", 137)] {
        agent(&home, "claude", script);
        run(&home, &["claude"]).ends(code);
    }
    agent(&home, "claude", "read line; echo \"said $line\" >&2");
    let mut running = run(&home, &["claude"]).starts();
    running.says("你好\n");
    running.ends(0).says(&["said 你好"]);
}

#[test]
fn signals_are_the_agents() {
    let home = Home::with("providers: [{ name: a, type: mock }]\n");
    for (name, signal) in [("TERM", Signal::TERM), ("HUP", Signal::HUP), ("INT", Signal::INT), ("USR1", Signal::USR1)] {
        // Nothing but `wait` is sure to be left for a trap.
        let script = format!("trap 'kill $!; echo got {name}; exit 9' {name}\nsleep 100 > /dev/null 2>&1 &\necho ready\nwait");
        agent(&home, "claude", &script);
        let running = run(&home, &["claude"]).starts();
        running.out.holds("ready");
        running.signal(signal);
        running.ends(9).prints(&format!("ready\ngot {name}\n"));
    }
}

#[test]
fn what_cannot_be_started_is_exit_two() {
    let home = Home::with("providers: [{ name: a, type: mock }]\n");
    run(&home, &["codex"]).ends(2).prints("").says(&["`codex` is not found in PATH", "npm install -g @openai/codex"]);
    run(&home, &["--", "no-such-program"]).ends(2).says(&["`no-such-program` is not found"]);
    run(&home, &["--", "./no-such-program"]).ends(2).says(&["no-such-program"]);
    home.write("bin/claude", "not executable");
    run(&home, &["claude"]).ends(2).says(&["cannot start `claude`: permission denied"]);
    run(&home, &[]).ends(2).says(&["AGENT"]);
    run(&home, &["claud"]).ends(2).says(&["claude"]);
    home.write("llmgw.yaml", "providers: 1\n");
    agent(&home, "claude", "echo started");
    run(&home, &["claude"]).ends(2).prints("").says(&["llmgw.yaml:1:"]);
}
