"""Shapes of what arrives: known members of known types, and nothing else."""

import base64
import binascii


class Wrong(Exception):
    """What arrived breaks a rule that the vendor documents."""


def require(condition, message):
    if not condition:
        raise Wrong(message)


def shape(value, path, required, optional=()):
    """`value` is an object that has all of `required`, perhaps some of `optional`, and nothing else.

    Both map a member's name to what it may be: a type, a tuple of types, a list of constants, or a function (value, path).
    """
    require(type(value) is dict, f"{path}: expected an object, got {value!r}")
    optional = dict(optional)
    for name in required:
        require(name in value, f"{path}.{name}: missing")
    for name, inner in value.items():
        allowed = required.get(name) or optional.get(name)
        require(allowed is not None, f"{path}.{name}: extra inputs are not permitted")
        matches(inner, f"{path}.{name}", allowed)


def matches(value, path, allowed):
    if isinstance(allowed, list):
        require(value in allowed, f"{path}: expected one of {allowed}, got {value!r}")
    elif isinstance(allowed, (type, tuple)):
        kinds = allowed if isinstance(allowed, tuple) else (allowed,)
        # To Python a bool is an int, and to JSON a whole float is.
        require(type(value) in kinds, f"{path}: expected {kinds}, got {value!r}")
    else:
        allowed(value, path)


def each(allowed, least=0):
    """A list of things that are each `allowed`."""

    def check(value, path):
        require(type(value) is list and len(value) >= least, f"{path}: expected a list of at least {least}, got {value!r}")
        for index, item in enumerate(value):
            matches(item, f"{path}[{index}]", allowed)

    return check


def text(value, path):
    """A text that says something."""
    require(type(value) is str and value.strip(), f"{path}: text must not be empty, got {value!r}")


def within(least, most):
    def check(value, path):
        require(type(value) in (int, float) and least <= value <= most, f"{path}: {value!r} is not within {least} and {most}")

    return check


def name(signs="_-", most=64):
    """Letters, digits and `signs`."""

    def check(value, path):
        fits = type(value) is str and 0 < len(value) <= most and all(c.isascii() and (c.isalnum() or c in signs) for c in value)
        require(fits, f"{path}: {value!r} must be of 1 to {most} letters, digits and {signs}")

    return check


def object_schema(value, path):
    require(type(value) is dict and value.get("type") == "object", f"{path}: expected a JSON Schema of an object, got {value!r}")


def closed(value, path):
    """A JSON Schema whose objects all say `additionalProperties: false`."""
    if isinstance(value, dict):
        if value.get("type") == "object":
            require(value.get("additionalProperties") is False, f"{path}: `additionalProperties` must be false")
        for key, inner in value.items():
            closed(inner, f"{path}.{key}")


def size(data, path):
    """How many bytes a text in base64 stands for."""
    try:
        return len(base64.b64decode(data, validate=True))
    except (binascii.Error, TypeError, ValueError):
        raise Wrong(f"{path}: not base64") from None


def data_url(url, path):
    """The media type and the size of a data URL."""
    head, comma, data = url.partition(";base64,")
    require(comma and head.startswith("data:"), f"{path}: expected a data URL, got {url[:40]!r}")
    return head.removeprefix("data:"), size(data, path)
