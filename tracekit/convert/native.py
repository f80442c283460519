"""Attributes in the newest GenAI conventions (and tracekit's own) as the columns of a span."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from tracekit import semconv

Columns = dict[str, Any]
"""Column name to value, for what is known."""

_MOST = 2**63 - 1


def to_columns(attributes: Mapping[str, Any]) -> tuple[Columns, dict[str, Any]]:
    """The columns of a span, and the attributes that fill none.

    An attribute whose value is not of its column's kind stays among the others.

    >>> columns, rest = to_columns(
    ...     {"gen_ai.request.model": "gpt-5", "gen_ai.usage.input_tokens": "many"}
    ... )
    >>> columns, rest
    ({'request_model': 'gpt-5'}, {'gen_ai.usage.input_tokens': 'many'})
    """
    columns: Columns = {}
    rest: dict[str, Any] = {}
    for key, value in attributes.items():
        if key in _TEXTS and type(value) is str:  # as most are
            name, content = _TEXTS[key], value
        elif key in _TARGETS:
            name, read = _TARGETS[key]
            content = read(value)
        else:
            rest[key] = value
            continue
        if content is None or name in columns:
            rest[key] = value
        else:
            columns[name] = content
    return columns, rest


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


def _count(value: Any) -> int | None:
    if type(value) is int and 0 <= value <= _MOST:
        return int(value)
    return None


def _amount(value: Any) -> float | None:
    return float(value) if type(value) in {int, float} and abs(value) <= _MOST else None


def _seconds(value: Any) -> int | None:
    """Nanoseconds."""
    if type(value) not in {int, float} or not 0 <= value < _MOST / 1e9:
        return None
    return round(float(value) * 1e9)


def _texts(value: Any) -> list[str] | None:
    if type(value) is str:
        return [value]
    if type(value) in {list, tuple} and all(type(item) is str for item in value):
        return list(value)
    return None


def _flag(value: Any) -> bool | None:
    return value if type(value) is bool else None


def _json_text(value: Any) -> str | None:
    """JSON text as it is; what came as structure becomes text."""
    if type(value) is str:
        return value
    return None if value is None else orjson.dumps(value).decode()


def _quoted(value: Any) -> str | None:
    """Plain text as JSON text."""
    return orjson.dumps(value).decode() if type(value) is str else None


_TARGETS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    semconv.OPERATION: ("operation", _text),
    semconv.SPAN_TYPE: ("span_type", _text),
    semconv.PROVIDER: ("provider", _text),
    semconv.REQUEST_MODEL: ("request_model", _text),
    semconv.RESPONSE_MODEL: ("response_model", _text),
    semconv.RESPONSE_ID: ("response_id", _text),
    semconv.RESPONSE_FINISH_REASONS: ("finish_reasons", _texts),
    semconv.INPUT_TOKENS: ("input_tokens", _count),
    semconv.OUTPUT_TOKENS: ("output_tokens", _count),
    semconv.CACHE_READ_TOKENS: ("cache_read_tokens", _count),
    semconv.CACHE_WRITE_TOKENS: ("cache_write_tokens", _count),
    semconv.REASONING_TOKENS: ("reasoning_tokens", _count),
    semconv.COST: ("cost_usd", _amount),
    semconv.RESPONSE_TIME_TO_FIRST_CHUNK: ("time_to_first_token_ns", _seconds),
    semconv.TOOL_NAME: ("tool_name", _text),
    semconv.AGENT_NAME: ("agent_name", _text),
    semconv.PROMPT_NAME: ("prompt_name", _text),
    semconv.PROMPT_VERSION: ("prompt_version", _text),
    semconv.SESSION_ID: ("session_id", _text),
    semconv.USER_ID: ("user_id", _text),
    semconv.ERROR_TYPE: ("error_type", _text),
    semconv.INCOMPLETE: ("incomplete", _flag),
    semconv.INPUT: ("input", _json_text),
    semconv.TOOL_CALL_ARGUMENTS: ("input", _json_text),
    semconv.RETRIEVAL_QUERY: ("input", _quoted),
    semconv.OUTPUT: ("output", _json_text),
    semconv.TOOL_CALL_RESULT: ("output", _json_text),
    semconv.RETRIEVAL_DOCUMENTS: ("output", _json_text),
    semconv.INPUT_MESSAGES: ("input_messages", _json_text),
    semconv.OUTPUT_MESSAGES: ("output_messages", _json_text),
    semconv.SYSTEM_INSTRUCTIONS: ("system_instructions", _json_text),
    semconv.TOOL_DEFINITIONS: ("tool_definitions", _json_text),
}

_TEXTS = {key: name for key, (name, read) in _TARGETS.items() if read in (_text, _json_text)}
"""Columns whose text is an attribute's text as it is."""
