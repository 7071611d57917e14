"""From an event to one line of strict JSON and back.

The law: `type` stands first in a line, so that a filter need not parse; a line is encoded once, by
whoever says it, and passed on as it is. JSON has no NaN and no infinities: where the vocabulary
wants a number they are written as the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, in free-form
fields (config, params, summary ...) as `{"$float": "NaN"}`, and `decode` restores both. A type that
this version does not know decodes to `Unknown` and loses nothing.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar, cast

import msgspec

from livecb.errors import EventError
from livecb.events.vocabulary import EVENTS, VERSION, AnyEvent, Event, JsonObject, Unknown

__all__ = ["FREE_FORM", "decode", "decode_lines", "encode", "json_schema", "type_of"]

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_many = msgspec.json.Decoder(list[AnyEvent])
_json = msgspec.json.Decoder()

_E = TypeVar("_E")


def encode(event: Event | Unknown) -> bytes:
    """Encode an event as one line of strict JSON, without the newline.

    Numbers must be int or float (`livecb.values` makes them so); NaN and the infinities survive.

    Raises:
        EventError: A field holds what JSON cannot.
    """
    try:
        if isinstance(event, Unknown):
            return _encoder.encode(event.data)
        line = _encoder.encode(event)
        # msgspec writes non-finite floats as null, which our fields hold only for "not known",
        # and those are omitted: a null is the sign to look closer.
        return _encoder.encode(_pack(event)) if b"null" in line else line
    except (TypeError, OverflowError, ValueError) as error:
        raise EventError(f"cannot write {event!r} as JSON: {error}") from error


def decode(line: bytes | str) -> AnyEvent | Unknown:
    """Decode one line.

    Raises:
        EventError: The line is not JSON, or not of the shape its type has.
    """
    try:
        event = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_unknown(line, error)
    raw = line.encode() if isinstance(line, str) else line
    return _restore(event) if b'NaN"' in raw or b'Infinity"' in raw else event


def decode_lines(lines: list[bytes]) -> list[AnyEvent | Unknown]:
    """Decode many lines at once, leaving out those that are no events (broken, torn).

    Half the time that `decode` takes for each.
    """
    joined = b"[" + b",".join(lines) + b"]"
    try:
        events = cast("list[AnyEvent | Unknown]", _many.decode(joined))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [event for line in lines if (event := _try_decode(line)) is not None]
    if len(events) != len(lines):  # a broken line that happened to fit between its neighbours
        return [event for line in lines if (event := _try_decode(line)) is not None]
    if b'NaN"' in joined or b'Infinity"' in joined:
        return [
            _restore(event) if b'NaN"' in line or b'Infinity"' in line else event
            for event, line in zip(events, lines, strict=True)
        ]
    return events


def type_of(line: bytes) -> str:
    """Return the type of a line without parsing it; an empty string if it shows none."""
    if not line.startswith(b'{"type":"'):
        return ""
    end = line.find(b'"', 9)
    return line[9:end].decode("ascii", "replace") if end > 0 else ""


def json_schema() -> JsonObject:
    """Return the JSON Schema (draft 2020-12) of one line."""
    (schema,), components = msgspec.json.schema_components([AnyEvent], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"livecb-events-{VERSION}",
        "title": "livecb event",
        "description": "One line of a run's log.",
        **schema,
        "$defs": components,
    }


def _try_decode(line: bytes) -> AnyEvent | Unknown | None:
    try:
        return decode(line)
    except EventError:
        return None


def _decode_unknown(line: bytes | str, error: Exception) -> Unknown:
    shown = line[:120]
    try:
        data = _json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise EventError(f"expected one event as a line of JSON, got {shown!r}: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise EventError(f"expected a JSON object with a 'type', got {shown!r}") from error
    if data["type"] in EVENTS:
        raise EventError(f"a {data['type']!r} event of the wrong shape: {error}; got {shown!r}") from error
    return Unknown(data)


def _pack(event: Event) -> JsonObject:
    """Rebuild an event as plain JSON in which non-finite floats are strings."""
    packed: JsonObject = {"type": event.__struct_config__.tag}
    for field in msgspec.structs.fields(type(event)):
        value = getattr(event, field.name)
        if field.default is not msgspec.NODEFAULT and value == field.default:
            continue
        if field.default_factory is not msgspec.NODEFAULT and not value and value is not False:
            continue
        free = field.name in FREE_FORM
        packed[field.encode_name] = _pack_value(value, free)
    return packed


FREE_FORM = frozenset(
    {"config", "params", "summary", "result", "fields", "input", "target", "prediction", "rows", "old", "new"}
)


def _pack_value(value: Any, free: bool) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        word = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return {"$float": word} if free else word
    if isinstance(value, dict):
        return {key: _pack_value(item, free) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_pack_value(item, free) for item in value]
    if isinstance(value, msgspec.Struct):
        return _pack_value(msgspec.to_builtins(value), free)
    return value


def _restore(event: _E) -> _E:
    """Turn the words for non-finite floats back, in the fields that may hold them."""
    changes: JsonObject = {}
    for name in ("values", "scores", "importances", "edges", "value"):
        held = getattr(event, name, None)
        if held:
            changes[name] = _restore_number(held)
    for name in FREE_FORM:
        held = getattr(event, name, None)
        if isinstance(held, (dict, list)) and held:
            changes[name] = _restore_free(held)
    return cast(_E, msgspec.structs.replace(cast(msgspec.Struct, event), **changes)) if changes else event


def _restore_number(held: Any) -> Any:
    if isinstance(held, str):
        return _NON_FINITE[held]
    if isinstance(held, dict):
        return {key: _restore_number(item) for key, item in held.items()}
    if isinstance(held, list):
        return [_restore_number(item) for item in held]
    return held


def _restore_free(held: Any) -> Any:
    if isinstance(held, dict):
        if held.keys() == {"$float"} and held["$float"] in _NON_FINITE:
            return _NON_FINITE[held["$float"]]
        return {key: _restore_free(item) for key, item in held.items()}
    if isinstance(held, list):
        return [_restore_free(item) for item in held]
    return held
