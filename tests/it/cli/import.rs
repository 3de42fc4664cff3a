//! `llmgw config import`: another gateway's file as ours, and what is told of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::process::Home;
use super::upstream::Upstream;
use crate::import::database;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/import").join(name)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn the_result_is_data_and_what_it_leaves_out_a_notice() {
    let home = Home::new();
    home.write("config.yaml", fs::read(case("litellm/full.yaml")).expect("a source"));
    let ended = home.run(&["config", "import", "config.yaml"], 0);
    let ended = ended.says(&[
        "note: read as litellm: YAML with `model_list`\n",
        "warning: not carried over: ",
        "\n  router_settings.redis_host: one llmgw needs no Redis",
        "clients get 502, 503 or 504",
        "the result needs these variables, which are not set here: ",
        "ANTHROPIC_API_KEY",
    ]);
    assert_eq!(ended.out, fs::read_to_string(case("litellm/full.llmgw.yaml")).expect("a result"));
    for secret in ["sk-master-0123456789", "sk-deepseek-0123456789", "geheim"] {
        assert!(!ended.err.contains(secret), "{}", ended.err);
    }
    assert!(!ended.err.contains('\x1b') && !ended.err.contains("error:"), "{}", ended.err);
    // Whoever wants no notices still hears what is missing.
    let quiet = home.run(&["config", "import", "config.yaml", "--log-level", "error"], 0);
    assert!(quiet.err.starts_with("warning: not carried over: ") && !quiet.err.contains("note:"), "{}", quiet.err);
}

#[test]
fn a_file_is_written_for_its_owner_alone_and_never_over_another_unasked() {
    let home = Home::new();
    home.write("老配置.yaml", fs::read(case("llm-proxy/full.yaml")).expect("a source"));
    let import = ["config", "import", "老配置.yaml", "-o", "llmgw.yaml"];
    home.run(&import, 0).prints("").says(&["note: written to llmgw.yaml; `llmgw config check -c llmgw.yaml` checks it"]);
    let out = home.path("llmgw.yaml");
    assert_eq!(mode(&out), 0o600);
    let written = fs::read_to_string(&out).expect("a result");
    assert_eq!(written, fs::read_to_string(case("llm-proxy/full.llmgw.yaml")).expect("a result"));
    home.llmgw(&["config", "check"]).env("DEEPSEEK_API_KEY", "sk-x").ends(0);

    fs::write(&out, "mine\n").expect("a file");
    home.run(&import, 2)
        .prints("")
        .says(&["error: llmgw.yaml is there already\n", "hint: name another file, or replace it with `--force`"]);
    assert_eq!(fs::read_to_string(&out).expect("the old one"), "mine\n");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o644)).expect("permissions");
    home.run(&[&import[..], &["--force"]].concat(), 0);
    assert_eq!((fs::read_to_string(&out).expect("a result"), mode(&out)), (written, 0o600));
    assert_eq!(fs::read_dir(home.directory()).expect("a directory").count(), 2, "nothing else is left there");
    fs::create_dir(home.path("目录")).expect("a directory");
    home.run(&["config", "import", "老配置.yaml", "-o", "目录", "--force"], 1).says(&["目录 cannot be written: "]);
    assert_eq!(fs::read_dir(home.directory()).expect("a directory").count(), 3, "nothing half-written is left there");
    home.run(&["config", "import", "老配置.yaml", "-o", "no/such/place.yaml"], 1)
        .prints("")
        .says(&["no/such/place.yaml cannot be written: "]);
}

#[test]
fn a_database_is_read_and_left_as_it_is() {
    let home = Home::new();
    let path = home.path("one-api.db");
    database(&fs::read_to_string(case("one-api/one-api.sql")).expect("statements"), &path);
    let before = fs::read(&path).expect("a database");
    let ended = home.run(&["config", "import", "one-api.db"], 0);
    assert_eq!(ended.out, fs::read_to_string(case("one-api/one-api.llmgw.yaml")).expect("a result"));
    let ended =
        ended.says(&["read as one-api", "`GitHubClientSecret`: a setting of the source's pages", "\n  logs: a record of the source"]);
    assert!(!ended.err.contains("geheim") && !ended.err.contains("0123456789"), "{}", ended.err);
    assert_eq!(fs::read(&path).expect("a database"), before);
    home.llmgw(&["config", "import", "-"]).stdin(before).ends(2).says(&["a database cannot come by a pipe"]);
    home.run(&["config", "import", "one-api.db", "--from", "litellm"], 2)
        .says(&["is a SQLite database, which no file of the kind litellm is"]);
    home.write("broken.db", b"SQLite format 3\0 and then rubbish");
    home.run(&["config", "import", "broken.db"], 2).says(&["broken.db: cannot be read: "]);
}

#[test]
fn what_is_no_gateways_file_is_refused_with_what_each_is_known_by() {
    let home = Home::with("providers: [{ name: a, type: mock }]\n");
    home.write("nginx.conf", "worker_processes: 4\n");
    home.run(&["config", "import", "nginx.conf"], 2).prints("").says(&[
        "error: nginx.conf: this is no file of a gateway that can be imported\n",
        "\n  llm-proxy: YAML with `backends` and `models`\n",
        "\n  one-api: the SQLite database of one-api or new-api",
        "\nhint: if it is one of these, say which with `--from KIND`\n",
    ]);
    home.run(&["config", "import", "llmgw.yaml"], 2).says(&["a configuration of llmgw already", "`llmgw config check` checks it"]);
    home.run(&["config", "import", "没有.yaml"], 2).says(&["没有.yaml: cannot be read: "]);
    home.run(&["config", "import", "."], 2).says(&["cannot be read: "]);
    home.write("gbk.yaml", [b'a', b':', b' ', 0xc4, 0xe3]);
    home.run(&["config", "import", "gbk.yaml"], 2).says(&["gbk.yaml: is no UTF-8 text"]);
    home.write("cut.yaml", "model_list:\n  - { model_name: 一\n");
    home.run(&["config", "import", "cut.yaml"], 2).says(&["error: cut.yaml:"]);
    home.run(&["config", "import", "nginx.conf", "--from", "bifrost"], 2)
        .says(&["read as bifrost, there is no upstream in it that llmgw could ask", "\n  worker_processes: llmgw has nothing like it\n"]);
    home.run(&["config", "import", "nginx.conf", "--from", "nginx"], 2).says(&["invalid value 'nginx'", "litellm-routes"]);
    home.run(&["config", "import", "nginx.conf", "--force"], 2).says(&["--output"]);
}

#[test]
fn a_kind_may_be_named_and_a_file_come_by_a_pipe() {
    let home = Home::new();
    // Its content alone would tell another kind.
    let both = "model_list: [{ model_name: a, litellm_params: { model: openai/m } }]\nmodels: { openai: [{ name: b, api_key: k }] }\n";
    let as_litellm = home.llmgw(&["config", "import", "-"]).stdin(both).ends(0);
    assert!(as_litellm.out.contains("\n  a:\n") && as_litellm.err.contains("models.openai"), "{as_litellm:#?}");
    let as_models = home.llmgw(&["config", "import", "-", "--from", "models-yaml"]).stdin(both).ends(0);
    assert!(as_models.out.contains("\n  b:\n") && as_models.err.contains("model_list"), "{as_models:#?}");
}

#[test]
fn a_variable_need_not_be_set_yet_whatever_it_stands_for() {
    let source = "model_list: [{ model_name: 大, litellm_params: { model: azure/gpt, api_key: os.environ/部署_KEY } }]\n";
    let ended = Home::new().llmgw(&["config", "import", "-"]).stdin(source.replace("部署", "MY")).ends(0);
    ended.says(&["the result needs these variables, which are not set here: AZURE_API_BASE, MY_KEY\n"]);
}

#[test]
fn an_imported_file_answers() {
    let upstream = Upstream::saying("你好，世界");
    let home = Home::new();
    let source = format!(
        "listen: 127.0.0.1:8765\nbackends: [{{ name: 上游, url: '{}/chat/completions', api_key: sk-1 }}]\n\
         models: {{ 大模型: {{ routes: [{{ backend: 上游, model: m-1, priority: 1 }}] }} }}\n",
        upstream.url()
    );
    home.write("config.yaml", source);
    home.run(&["config", "import", "config.yaml", "-o", "llmgw.yaml"], 0);
    home.run(&["chat", "-m", "大模型", "你是谁"], 0).prints("你好，世界\n");
}
