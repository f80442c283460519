"""What the store holds of messages, as the atoms of the second reader."""

import json
from collections.abc import Iterator
from typing import Any

from openai_reader import Atom, plain_text, without_query


def stored_atoms(messages: str | None) -> list[Atom]:
    """The atoms of messages, as `openai_reader` has them."""
    return [atom for message in json.loads(messages or "[]") for atom in _message_atoms(message)]


def _message_atoms(message: dict[str, Any]) -> Iterator[Atom]:
    parts: list[dict[str, Any]] = message["parts"]
    results = {
        part["id"]: part["server_tool_call_response"]
        for part in parts
        if part["type"] == "server_tool_call_response"
    }
    called = {part["id"] for part in parts if part["type"] == "server_tool_call"}
    for part in parts:
        if part["type"] == "server_tool_call_response" and part["id"] in called:
            continue
        yield _atom(message["role"], part, results)


def _atom(role: str, part: dict[str, Any], results: dict[str, dict[str, Any]]) -> Atom:
    kind = part["type"]
    if kind == "text":
        return ("refusal" if part.get("refusal") else "text", role, part["content"])
    if kind in {"reasoning", "compaction"}:
        return (kind, role, part["content"])
    if kind == "tool_call":
        return ("call", part.get("id"), part["name"], part["arguments"])
    if kind == "tool_call_response":
        return ("result", part.get("id"), plain_text(part["response"]))
    if kind == "blob":
        return ("media", role, part["modality"], part["sha256"])
    if kind == "uri":
        return ("link", role, part["modality"], without_query(part["uri"]))
    if kind == "file":
        return ("file", role, part["modality"], part["file_id"])
    if kind in {"server_tool_call", "server_tool_call_response"}:
        held = dict(part[kind])
        if kind == "server_tool_call":
            held |= results.get(part["id"], {})
            if part["name"] != held["type"].removesuffix("_call"):
                held["name"] = part["name"]
        tool = held.pop("type")
        held.pop("id", None)
        return ("server", tool, part["id"], json.dumps(held, sort_keys=True, ensure_ascii=False))
    return ("other", role, part)
