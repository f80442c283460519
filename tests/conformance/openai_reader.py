"""A second reading of recorded exchanges, from the shapes of the OpenAI API alone.

What a message holds is written as a flat list of atoms, `(kind, …)`, so that it can be compared
with what the store gives back without sharing any code or form with the capture.
"""

import base64
import hashlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from openai_player import Exchange, endpoint_of, form_of, host_of

Atom = tuple[Any, ...]


@dataclass
class Facts:
    """What one exchange holds."""

    model: str | None = None
    provider: str = "openai"
    stream: bool = False
    failed: bool = False
    status: int = 200
    error_code: str | None = None
    error_type: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: list[str] | None = None
    usage: dict[str, int] = field(default_factory=dict)
    asked: list[Atom] = field(default_factory=list)
    answered: list[Atom] = field(default_factory=list)
    instructions: str | None = None
    tools: list[str] = field(default_factory=list)
    service_tier: str | None = None
    fingerprint: str | None = None


PROVIDERS = {
    "api.groq.com": "groq",
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral_ai",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "api.cerebras.ai": "cerebras",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "router.huggingface.co": "huggingface",
}


def read(exchange: Exchange) -> Facts:
    """All facts of an exchange that the store is to hold."""
    host = host_of(exchange)
    facts = Facts(provider=PROVIDERS.get(host, "openai"), status=exchange["response"]["status"])
    if host.endswith("openai.azure.com"):
        facts.provider = "azure.ai.openai"
    body = exchange["request"]["body"]
    request = body if isinstance(body, dict) else form_of(exchange) if body else {}
    _read_request(facts, endpoint_of(exchange), request)
    if facts.status >= 400:
        _read_error(facts, json.loads(exchange["response"]["body"]).get("error") or {})
        facts.failed = True
    else:
        _read_answer(facts, endpoint_of(exchange), answer_of(exchange))
    return facts


def _read_error(facts: Facts, error: dict[str, Any]) -> None:
    code, kind = error.get("code"), error.get("type")
    facts.error_code = None if code is None else str(code)
    facts.error_type = None if kind is None else str(kind)


def _read_request(facts: Facts, endpoint: str, body: dict[str, Any]) -> None:
    facts.model = body.get("model") if endpoint in MODEL_ENDPOINTS else None
    facts.stream = body.get("stream") is True
    facts.tools = [
        (tool.get("function") or tool).get("name") or tool.get("server_label") or tool["type"]
        for tool in body.get("tools") or []
    ] + [tool["name"] for tool in body.get("functions") or []]
    if endpoint == "chat/completions":
        for message in body["messages"]:
            facts.asked += _chat_atoms(message)
    elif endpoint == "completions":
        prompt = body["prompt"]
        facts.asked = [
            ("text", "user", p) for p in ([prompt] if isinstance(prompt, str) else prompt)
        ]
    elif endpoint.startswith("responses"):
        facts.instructions = body.get("instructions")
        given = body.get("input")
        for item in [{"role": "user", "content": given}] if isinstance(given, str) else given or []:
            facts.asked += _item_atoms(item)
    elif endpoint == "images/generations":
        facts.asked = [("text", "user", body["prompt"])]
    elif endpoint == "audio/speech":
        facts.asked = [("text", "user", body["input"])]
    elif endpoint.startswith("audio/"):
        _, data, _ = body["file"]
        facts.asked = [("media", "user", "audio", _digest(data))]
    elif endpoint == "moderations" and isinstance(body["input"], str):
        facts.asked = [("text", "user", body["input"])]


MODEL_ENDPOINTS = {
    *("chat/completions", "completions", "responses", "responses/compact", "embeddings"),
    *("responses/input_tokens", "images/generations", "images/edits", "audio/speech"),
    *("audio/transcriptions", "audio/translations", "moderations"),
}


# Events


def events(text: str) -> list[tuple[str, str]]:
    """Name and data of each server-sent event."""
    found = []
    for block in re.split(r"\r?\n\r?\n", text):
        lines = block.splitlines()
        data = [line[5:].lstrip(" ") for line in lines if line.startswith("data:")]
        name = [line[6:].strip() for line in lines if line.startswith("event:")]
        if data:
            found.append((name[-1] if name else "", "\n".join(data)))
    return found


def answer_of(exchange: Exchange) -> Any:
    """The answer's JSON; a stream as the answer that it amounts to."""
    response = exchange["response"]
    if "event-stream" not in response["headers"].get("content-type", ""):
        return json.loads(response["body"])
    parts = [json.loads(data) for _, data in events(response["body"]) if data != "[DONE]"]
    return _joined_responses(parts) if endpoint_of(exchange) == "responses" else _joined(parts)


def _joined_responses(parts: list[dict[str, Any]]) -> dict[str, Any]:
    whole = [part["response"] for part in parts if "response" in part]
    return whole[-1]


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = defaultdict(lambda: {"finish_reason": None})
    said: dict[tuple[int, str], list[str]] = defaultdict(list)
    calls: dict[tuple[int, int], dict[str, str]] = defaultdict(lambda: defaultdict(str))
    for part in parts:
        answer.update({k: v for k, v in part.items() if k != "choices" and v not in (None, "")})
        for choice in part.get("choices") or []:
            index, delta = choice["index"], choice.get("delta") or {}
            choices[index]["finish_reason"] = (
                choice.get("finish_reason") or choices[index]["finish_reason"]
            )
            for key in ("content", "refusal", "reasoning", "reasoning_content"):
                said[index, key].append(delta.get(key) or "")
            said[index, "text"].append(choice.get("text") or "")
            for call in delta.get("tool_calls") or []:
                known = calls[index, call["index"]]
                known["id"] = known["id"] or call.get("id") or ""
                known["name"] = known["name"] or call["function"].get("name") or ""
                known["arguments"] += call["function"].get("arguments") or ""
    for index, choice in choices.items():
        texts = {k: "".join(v) for (i, k), v in said.items() if i == index}
        choice["text"] = texts.pop("text", "")
        choice["message"] = {"role": "assistant", **{k: v for k, v in texts.items() if v}}
        choice["message"]["tool_calls"] = [
            {"id": call["id"], "function": call}
            for (i, _), call in sorted(calls.items())
            if i == index
        ]
    answer["choices"] = [choices[index] for index in sorted(choices)]
    return answer


# Answers


def _read_answer(facts: Facts, endpoint: str, body: Any) -> None:
    if not isinstance(body, dict):
        return
    if isinstance(body.get("error"), dict):
        facts.failed = True
        _read_error(facts, body["error"])
    if endpoint not in MODEL_ENDPOINTS and not endpoint.startswith("responses/"):
        return
    facts.response_model = body.get("model")
    facts.response_id = body.get("id")
    facts.service_tier = body.get("service_tier")
    facts.fingerprint = body.get("system_fingerprint")
    if endpoint in MODEL_ENDPOINTS - {"responses/input_tokens"}:
        facts.usage = _usage(body.get("usage") or (body.get("x_groq") or {}).get("usage") or {})
    if "choices" in body:
        _read_choices(facts, endpoint, body["choices"])
    elif endpoint.startswith("responses") and isinstance(body.get("output"), list):
        _read_output(facts, body)
    elif endpoint.startswith("images/"):
        for image in body["data"]:
            encoded = image.get("b64_json")
            facts.answered.append(
                ("media", "assistant", "image", _digest(base64.b64decode(encoded)))
                if encoded
                else ("link", "assistant", "image", without_query(image["url"]))
            )
    elif endpoint in {"audio/transcriptions", "audio/translations"}:
        facts.answered = [("text", "assistant", body["text"])]


FINISH = {"tool_calls": "tool_call", "function_call": "tool_call", None: "error"}


def _read_choices(facts: Facts, endpoint: str, choices: list[Any]) -> None:
    facts.finish_reasons = [
        FINISH.get(choice["finish_reason"], choice["finish_reason"]) for choice in choices
    ]
    for choice in choices:
        if endpoint == "completions":
            facts.answered.append(("text", "assistant", choice["text"]))
        else:
            facts.answered += _chat_atoms({"role": "assistant", **(choice.get("message") or {})})


def _read_output(facts: Facts, body: dict[str, Any]) -> None:
    for item in body["output"]:
        facts.answered += _item_atoms(item)
    kinds = {item["type"] for item in body["output"]}
    calls = kinds & {"function_call", "custom_tool_call", "computer_call", "local_shell_call"}
    status = body.get("status")
    if status in {"queued", "in_progress"}:
        return
    if status == "incomplete":
        reason = body["incomplete_details"]["reason"]
        facts.finish_reasons = ["length" if reason == "max_output_tokens" else reason]
    elif status is None and "compaction" in kinds:
        facts.finish_reasons = ["compaction"]
    else:
        facts.finish_reasons = ["tool_call" if calls else "stop"]


USAGE = {
    "input": ("prompt_tokens", "input_tokens"),
    "output": ("completion_tokens", "output_tokens"),
    "cache_read": ("prompt_cache_hit_tokens",),
}
DETAILS = {
    ("prompt", "input"): {
        "cached_tokens": "cache_read",
        "cache_write_tokens": "cache_write",
        "audio_tokens": "audio_in",
        "text_tokens": "text_in",
        "image_tokens": "image_in",
    },
    ("completion", "output"): {
        "reasoning_tokens": "reasoning",
        "audio_tokens": "audio_out",
        "text_tokens": "text_out",
        "image_tokens": "image_out",
        "accepted_prediction_tokens": "accepted",
        "rejected_prediction_tokens": "rejected",
    },
}


def _usage(usage: dict[str, Any]) -> dict[str, int]:
    counts = {
        name: usage[key]
        for name, keys in USAGE.items()
        for key in keys
        if usage.get(key) is not None
    }
    for sides, names in DETAILS.items():
        for side in sides:
            for suffix in ("_tokens_details", "_token_details"):
                details = usage.get(side + suffix) or {}
                counts |= {names[k]: v for k, v in details.items() if k in names and v is not None}
    return counts


# Messages of chat completions


def _chat_atoms(message: dict[str, Any]) -> list[Atom]:
    role = message["role"]
    if role in {"tool", "function"}:
        return [("result", message.get("tool_call_id"), plain_text(message["content"]))]
    atoms: list[Atom] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if thought:
        atoms.append(("reasoning", role, thought))
    atoms += _content_atoms(role, message.get("content"))
    if message.get("refusal"):
        atoms.append(("refusal", role, message["refusal"]))
    if message.get("audio"):
        audio = message["audio"]
        if "data" in audio:
            atoms.append(("media", role, "audio", _digest(base64.b64decode(audio["data"]))))
            atoms.append(("text", role, audio["transcript"]))
        else:
            atoms.append(("file", role, "audio", audio["id"]))
    for call in message.get("tool_calls") or []:
        inner = call.get("function") or call["custom"]
        atoms.append(
            (
                "call",
                call.get("id"),
                inner["name"],
                _value(inner.get("arguments", inner.get("input"))),
            )
        )
    if message.get("function_call"):
        inner = message["function_call"]
        atoms.append(("call", None, inner["name"], _value(inner["arguments"])))
    return atoms


def plain_text(content: Any) -> str:
    """The words of a tool's result."""
    if isinstance(content, list):
        return "".join(part.get("text", part.get("content", "")) for part in content)
    return content if isinstance(content, str) else json.dumps(content, sort_keys=True)


def _value(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _content_atoms(role: str, content: Any) -> list[Atom]:
    if isinstance(content, str):
        return [("text", role, content)]
    return [_part_atom(role, part) for part in content or []]


def _part_atom(role: str, part: dict[str, Any]) -> Atom:
    kind = part["type"]
    if kind in {"text", "input_text", "output_text"}:
        return ("text", role, part["text"])
    if kind == "refusal":
        return ("refusal", role, part["refusal"])
    if kind in {"image_url", "input_image"}:
        url = part.get("image_url")
        return _url_atom(role, "image", url["url"] if isinstance(url, dict) else url)
    if kind == "input_audio":
        data = base64.b64decode(part["input_audio"]["data"])
        return ("media", role, "audio", _digest(data))
    if kind in {"file", "input_file"}:
        file = part.get("file") or part
        if "file_id" in file:
            return ("file", role, "document", file["file_id"])
        return _url_atom(role, "document", file.get("file_data") or file["file_url"])
    return ("other", role, part)


def _url_atom(role: str, modality: str, url: str) -> Atom:
    if not url.startswith("data:"):
        return ("link", role, modality, without_query(url))
    return ("media", role, modality, _digest(base64.b64decode(url.partition(",")[2])))


def without_query(url: str) -> str:
    """A URL without its query, whose signature the store hides."""
    return urlsplit(url)._replace(query="").geturl()


# Items of responses


def _item_atoms(item: dict[str, Any]) -> list[Atom]:
    kind = item.get("type", "message")
    if kind == "message":
        return _content_atoms(item["role"], item["content"])
    if kind in {"function_call", "custom_tool_call"}:
        arguments = item["arguments"] if kind == "function_call" else item["input"]
        return [("call", item["call_id"], item["name"], _value(arguments))]
    if kind in {"function_call_output", "custom_tool_call_output"}:
        return [("result", item["call_id"], plain_text(item["output"]))]
    if kind == "reasoning":
        texts = [t["text"] for key in ("summary", "content") for t in item.get(key) or []]
        return [("reasoning", "assistant", text) for text in texts or [""]]
    if kind == "compaction":
        return [("compaction", "assistant", item["encrypted_content"])]
    if kind == "item_reference":
        return [("other", "user", item)]
    return [("server", kind, item.get("call_id") or item["id"], _server_facts(item))]


def _server_facts(item: dict[str, Any]) -> str:
    """All that a built-in tool was asked and gave, in one order."""
    kept = {
        k: v for k, v in item.items() if k not in {"type", "id", "call_id"} and v not in (None, [])
    }
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)
