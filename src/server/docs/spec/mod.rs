//! Makes `docs/openapi.json`, with the types of the product before it: [`paths`] has every path in tables, [`schemas`] the bodies
//! that others define, [`failures`] the ways in which things go wrong.
//!
//! Only the tests make it. What the gateway serves is the checked-in file, which somebody has read; the product carries
//! neither the making of schemas nor its memory.

mod failures;
mod media;
mod operation;
mod paths;
mod schemas;
mod tests;

use serde_json::{Map, Value};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::info::{Info, InfoBuilder, LicenseBuilder};
use utoipa::openapi::path::{PathItem, PathsBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, OpenApiBuilder};

use operation::{Built, KEY, KEY_AS_HEADER, KEY_OF_ADMIN, text};

const ABOUT: &str = "One address in front of every large language model.\n\n\
    Bodies reach an upstream of the client's own dialect byte for byte, so other fields than those named here pass too. \
    Every answer carries `x-request-id`; what an upstream answered also says who that was and how many attempts it took.\n\n\
    Errors have OpenAI's envelope, on `/v1/messages` Anthropic's. A path that is asked with another method is 405 \
    `method_not_allowed`. What is no HTTP gets a bare 400, and too large a head a bare 431.\n\n\
    A gateway without `auth.keys` needs no key: it serves this machine only, to clients that name a loopback `Host`, and \
    takes no POST from another web site.";

/// The headers that answers have.
const HEADERS: [(&str, &str); 12] = [
    ("x-request-id", "The request's own if it is sane, else a new one"),
    ("x-llmgw-provider", "Who answered"),
    ("x-llmgw-model", "The upstream's name of the model"),
    ("x-llmgw-attempts", "How many attempts it took, a hedged one included"),
    ("x-llmgw-overhead-ms", "Time spent in llmgw itself, until the answer's headers"),
    ("x-llmgw-dropped", "Hints of the request that a translation left out"),
    ("x-upstream-request-id", "The upstream's own id of the request"),
    ("x-llmgw-estimated", "`true` where a count is no upstream's"),
    ("retry-after", "When to come back, in seconds"),
    ("retry-after-ms", "The same in milliseconds, for OpenAI's SDKs"),
    ("x-should-retry", "`false` where every route was tried already; the official SDKs obey it"),
    ("www-authenticate", "`Bearer`"),
];

/// The API as an OpenAPI document.
fn document() -> Value {
    let mut components = ComponentsBuilder::new();
    for (name, about) in HEADERS {
        components = components.header(name, HeaderBuilder::new().description(Some(about)).schema(Some(text())).build());
    }
    components = components.schemas_from_iter(failures::schemas());
    let mut paths = PathsBuilder::new();
    for operation in paths::all() {
        let (path, method) = (operation.path, operation.method.clone());
        let Built { operation, schemas, responses } = operation.build();
        components = components.schemas_from_iter(schemas);
        for (name, response) in responses {
            components = components.response(name, response);
        }
        paths = paths.path(path, PathItem::new(method, operation));
    }
    for (name, scheme) in keys() {
        components = components.security_scheme(name, scheme);
    }
    let tags = paths::TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    let document = OpenApiBuilder::new()
        .info(info())
        // Relative to where the document is read from, whatever stands before it.
        .servers(Some([ServerBuilder::new().url(".").description(Some("This gateway")).build()]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components.build()));
    // Strings and maps of them always serialise.
    let mut document = serde_json::to_value(document.build()).unwrap_or_default();
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.values_mut().for_each(loosen);
    }
    document
}

fn info() -> Info {
    let license = LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build();
    InfoBuilder::new().title("llmgw").version(env!("CARGO_PKG_VERSION")).description(Some(ABOUT)).license(Some(license)).build()
}

/// By their names, which is how the page orders them.
fn keys() -> [(&'static str, SecurityScheme); 3] {
    let bearer = |about: &str| SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build());
    let header = ApiKeyValue::with_description("x-api-key", "One of `auth.keys`, as Anthropic's clients send it");
    [
        (KEY, bearer("One of `auth.keys`")),
        (KEY_AS_HEADER, SecurityScheme::ApiKey(ApiKey::Header(header))),
        (KEY_OF_ADMIN, bearer("`admin.key`")),
    ]
}

/// Members that nobody named pass, and a value may fit more than one of several shapes.
fn loosen(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(loosen),
        Value::Object(members) => {
            members.values_mut().for_each(loosen);
            if let Some(shapes) = members.remove("oneOf") {
                members.insert("anyOf".to_owned(), shapes);
            }
            if is_open(members) {
                members.insert("additionalProperties".to_owned(), Value::Bool(true));
            }
        }
        _ => {}
    }
}

/// Whether this is the schema of an object that says nothing of other members.
fn is_open(schema: &Map<String, Value>) -> bool {
    let is_object = match schema.get("type") {
        Some(Value::String(word)) => word == "object",
        Some(Value::Array(words)) => words.iter().any(|word| word == "object"),
        _ => false,
    };
    is_object && !schema.contains_key("additionalProperties")
}
