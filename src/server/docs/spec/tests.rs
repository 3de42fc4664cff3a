use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::server::router::{Surface, routes};

const CHECKED_IN: &str = "docs/openapi.json";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(super::document);
    &DOCUMENT
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each operation, with `METHOD /path`.
fn operations() -> Vec<(String, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &'static Value)| {
        let path = path.clone();
        METHODS.into_iter().filter_map(move |method| Some((format!("{method} {path}"), item.get(method)?)))
    };
    paths.iter().flat_map(of).collect()
}

/// Every value under the name `key`, at any depth.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            if name == key {
                found.push(member);
            }
            all(member, key, found);
        }),
        _ => {}
    }
}

/// The schema in `within` that `pointer` leads to; what it refers to is found in the same place.
fn compiled(within: Value, pointer: &str, schemas: &mut Schemas) -> SchemaIndex {
    let mut compiler = Compiler::new();
    compiler.set_default_draft(Draft::V2020_12);
    compiler.add_resource("test:document", within).unwrap();
    compiler.compile(&format!("test:document#{pointer}"), schemas).unwrap_or_else(|error| panic!("{pointer}: {error:#}"))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whether to rewrite is a matter of the one who runs the tests")]
fn the_checked_in_document_is_up_to_date() {
    let text = serde_json::to_string_pretty(document()).unwrap() + "\n";
    let path = root().join(CHECKED_IN);
    if std::env::var_os("LLMGW_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(checked_in == text, "{CHECKED_IN} is stale; run the tests with LLMGW_BLESS=1");
}

#[test]
fn it_is_what_the_specification_wants() {
    let specification = std::fs::read(root().join("tests/openapi/openapi-3.1.schema.json")).unwrap();
    let mut schemas = Schemas::new();
    let index = compiled(serde_json::from_slice(&specification).unwrap(), "", &mut schemas);
    schemas.validate(document(), index).unwrap_or_else(|error| panic!("{error:#}"));
    for name in document()["components"]["schemas"].as_object().unwrap().keys() {
        // The specification leaves it to JSON Schema what a schema is.
        compiled(document().clone(), &format!("/components/schemas/{name}"), &mut Schemas::new());
    }
    assert_eq!((&document()["openapi"], &document()["info"]["version"]), (&json!("3.1.0"), &json!(env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_document_has_the_routers_paths_and_no_others() {
    // A star says that a parameter may hold slashes; a slash at the end leads to the same.
    let as_documented = |path: &str| match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        // These may hold slashes too, and what is done to a provider stands behind its name.
        below if below.starts_with("/admin/api/") => match below.split_once(['*', '{']) {
            Some((before, _)) => format!("{before}*"),
            None => below.to_owned(),
        },
        trimmed => trimmed.replace("{*", "{").replace("{rest}", "{path}").replace("{id}/test", "{id}"),
    };
    // The dashboard has a table of its own; of that, what scripts ask.
    let dashboard = crate::admin::api();
    let served: BTreeSet<String> = routes(Surface::All).iter().map(|(path, _)| as_documented(path)).chain(dashboard).collect();
    let documented: BTreeSet<String> = document()["paths"].as_object().unwrap().keys().map(|path| as_documented(path)).collect();
    let missing: Vec<_> = served.difference(&documented).collect();
    let idle: Vec<_> = documented.difference(&served).collect();
    assert!(
        missing.is_empty() && idle.is_empty(),
        "to be described in src/server/docs/spec/paths: {missing:?}; served by nothing: {idle:?}"
    );
}

#[test]
fn every_operation_is_named_tagged_and_says_what_it_answers() {
    let tags: Vec<&Value> = document()["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut names = BTreeSet::new();
    for (operation, described) in operations() {
        assert!(names.insert(described["operationId"].as_str().unwrap()), "{operation}: another one has the same name");
        assert!(tags.contains(&&described["tags"][0]) && !described["summary"].as_str().unwrap().is_empty(), "{operation}");
        let (_, path) = operation.split_once(' ').unwrap();
        let places: BTreeSet<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = described["parameters"].as_array().into_iter().flatten();
        let within: BTreeSet<&str> = parameters.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(places, within, "{operation}");
        let statuses: Vec<&String> = described["responses"].as_object().unwrap().keys().collect();
        for status in ["403", "414", "500"] {
            assert!(statuses.iter().any(|other| *other == status), "{operation}: {status} can happen anywhere");
        }
    }
}

#[test]
fn references_lead_somewhere_and_nothing_is_described_in_vain() {
    let mut references = Vec::new();
    all(document(), "$ref", &mut references);
    let references: BTreeSet<&str> = references.into_iter().filter_map(Value::as_str).collect();
    for reference in &references {
        assert!(document().pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for part in ["schemas", "responses", "headers"] {
        for name in document()["components"][part].as_object().unwrap().keys() {
            assert!(references.contains(format!("#/components/{part}/{name}").as_str()), "nothing refers to {part}/{name}");
        }
    }
}

#[test]
fn examples_fit_their_schemas() {
    let mut contents = Vec::new();
    all(document(), "content", &mut contents);
    let mut count = 0;
    for (media_type, content) in contents.into_iter().filter_map(Value::as_object).flatten() {
        let Some(schema) = content.get("schema") else { continue };
        let (within, mut schemas) = (json!({ "schema": schema, "components": document()["components"] }), Schemas::new());
        let index = compiled(within, "/schema", &mut schemas);
        let named = content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in content.get("example").into_iter().chain(named) {
            let checked = schemas.validate(example, index);
            assert!(checked.is_ok(), "{media_type} {schema}: {example}: {}", checked.unwrap_err());
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn what_people_are_told_of_errors_is_what_programs_are_told() {
    let page = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>()).filter(|cells| cells[0].starts_with(|first: char| first.is_numeric()));
    let told: BTreeSet<(String, String)> = cells
        .flat_map(|cells| {
            let code = cells[1].trim_matches('`').replace("the upstream's", "rate_limit_exceeded");
            cells[0].split(", ").map(|status| (status.to_owned(), code.clone())).collect::<Vec<_>>()
        })
        // It comes where a path is asked in a way that no operation describes.
        .filter(|(status, _)| status != "405")
        .collect();
    let mut described = BTreeSet::new();
    for (_, operation) in operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(response) = response["$ref"].as_str().and_then(|name| document().pointer(name.trim_start_matches('#'))) else {
                continue;
            };
            let codes = response["content"]["application/json"]["examples"].as_object().unwrap().keys();
            described.extend(codes.map(|code| (status.clone(), code.clone())));
        }
    }
    assert_eq!(told, described);
}
