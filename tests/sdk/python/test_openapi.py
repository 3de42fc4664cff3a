"""The gateway answers as its OpenAPI document says, whatever it is asked; its examples are answered as they promise."""

import copy
import json

import pytest
import requests
import schemathesis
from conftest import PATIENCE, ROOT, SDK, serving
from schemathesis.config import SchemathesisConfig

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
# What llmgw does not know it passes on, and what an upstream does not mind is no failure.
LENIENT = ["negative_data_rejection", "positive_data_acceptance", "missing_required_header", "unsupported_method", "allow_header_conformance"]
# The same requests in each run, as few as show something. Paths of a later version answer 501.
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "generation": {"max-examples": 10, "deterministic": True, "no-shrink": True, "database": "none"},
        "checks": {
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "501"]},
            **{name: {"enabled": False} for name in LENIENT},
        },
    }
)


def strict():
    """The document without what covers for whatever an upstream may say: the mock says nothing that is not written down."""
    document = copy.deepcopy(DOCUMENT)
    for path, item in document["paths"].items():
        for method in item.keys() & set(METHODS):
            answers = item[method]["responses"]
            answers.pop("4XX", None)
            if path.startswith("/v1/responses"):
                answers.pop("default", None)
    return document


# Whoever follows what happens is never answered to the end, which schemathesis would wait for.
ENDLESS = "/admin/api/live"
schema = schemathesis.openapi.from_dict(strict(), config=CONFIG).exclude(path=ENDLESS)


OPERATIONS = [
    pytest.param(path, method, item[method], id=f"{method.upper()} {path}")
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
]


def start(tmp_path_factory):
    return serving(tmp_path_factory.mktemp("home"), "--config", str(SDK / "openapi.yaml"))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with start(tmp_path_factory) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """One whose providers may be switched off."""
    with start(tmp_path_factory) as gateway:
        yield gateway


def ask(gateway, method, path, key=None, **body):
    headers = {"authorization": f"Bearer {key}"} if key else None
    # The body is read when it is looked at: some never end.
    return requests.request(method, gateway.url + path, headers=headers, timeout=PATIENCE, allow_redirects=False, stream=True, **body)


def key_for(operation):
    wanted = {scheme for alternative in operation.get("security", []) for scheme in alternative}
    return "sk-admin" if "key_of_admin" in wanted else "sk-everything" if wanted else None


def filled(path, operation):
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter["example"])
    return path


def example(operation):
    """Its body, in the first of its forms: the example, or a form with all that is required."""
    for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if content_type == "application/json" and "example" in content:
            return {"json": content["example"]}
        if "$ref" in content["schema"]:
            form = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            fields = {name: form["properties"][name] for name in form["required"]}
            files = {name: b"RIFF" for name, field in fields.items() if field.get("format") == "binary"}
            return {"files": files, "data": {name: "auto" for name in fields.keys() - files.keys()}}
    return {}


def test_the_gateway_serves_the_document_that_is_checked_in(gateway):
    assert ask(gateway, "get", "/openapi.json").json() == DOCUMENT


@schema.parametrize()
def test_answers_are_as_documented(case, gateway, spoilt):
    key = key_for(case.operation.definition.raw)
    headers = {"authorization": f"Bearer {key}"} if key else None
    acts = case.path.endswith("{action}")
    case.call_and_validate(base_url=(spoilt if acts else gateway).url, headers=headers)


def test_what_never_ends_begins_as_documented(gateway):
    promised = DOCUMENT["paths"][ENDLESS]["get"]["responses"]["200"]["content"]
    with ask(gateway, "get", f"{ENDLESS}?topics=overview", "sk-admin") as reply:
        assert (reply.status_code, [reply.headers["content-type"]]) == (200, list(promised))
        assert next(reply.iter_lines()) == b"event: overview"


@pytest.mark.parametrize("path, method, operation", OPERATIONS)
def test_an_example_is_answered_as_it_says(gateway, path, method, operation):
    asked = filled(path, operation)
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "path" and parameter["required"]:
            asked += f"?{parameter['name']}={parameter['example']}"
    reply = ask(gateway, method, asked, key_for(operation), **example(operation))
    promised = [status for status in operation["responses"] if status[0] in "23"]
    if "default" in operation["responses"]:
        # The mock keeps no responses, and has few paths.
        promised += ["200", "404"]
    if path == "/admin/api/requests/{id}":
        # No gateway gives this id a second time.
        promised += ["404"]
    assert str(reply.status_code) in (promised or ["501"])


@pytest.mark.parametrize("path, method, operation", OPERATIONS)
def test_who_needs_a_key_is_told(gateway, path, method, operation):
    reply = ask(gateway, method, filled(path, operation), **example(operation))
    assert (reply.status_code == 401) == (key_for(operation) is not None)
