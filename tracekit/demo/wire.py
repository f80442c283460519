"""The OpenAI API's bodies and event streams, made from what the demo's server answers."""

import base64
import hashlib
import json
import math
import re
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracekit.demo.answers import Answer, Tool, Turn, stem

Body = dict[str, Any]
_TOKEN = re.compile(r"\w{1,6}|[^\w\s]")
_PIECE = re.compile(r"\s*\S+")

PRICES = {"demo-mini": (0.25, 2.0), "demo-large": (1.25, 10.0), "demo-embed": (0.02, 0.0)}
"""US dollars per million input and output tokens; cached input costs a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a request is billed for."""

    input: int
    cached: int = 0
    output: int = 0
    reasoning: int = 0

    def cost(self, model: str) -> float | None:
        """US dollars, or None for a model that this server has no price for."""
        if model not in PRICES:
            return None
        into, out = PRICES[model]
        fresh = self.input - self.cached
        return round((fresh * into + self.cached * into / 10 + self.output * out) / 1e6, 9)


def count_tokens(text: str) -> int:
    """About as many tokens as a byte-pair encoding makes of a text."""
    return len(_TOKEN.findall(text))


def pieces(text: str) -> list[str]:
    """A text in the pieces that it is streamed in."""
    return _PIECE.findall(text) or [text]


def new_id(prefix: str, seed: str) -> str:
    """An id that looks like the API's, the same for the same seed."""
    return prefix + hashlib.sha256(seed.encode()).hexdigest()[:24]


def chat_turns(body: Body) -> list[Turn]:
    """The conversation of a chat completion request."""
    return [
        Turn(
            role=_role(message.get("role")),
            text=_text(message.get("content")),
            calls=tuple(
                (call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls") or ()
            ),
        )
        for message in body["messages"]
    ]


def response_turns(body: Body) -> list[Turn]:
    """The conversation of a Responses request, without what came before it."""
    turns: list[Turn] = []
    if body.get("instructions"):
        turns.append(Turn(role="system", text=body["instructions"]))
    given: str | list[Body] = body.get("input", "")
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        kind = item.get("type", "message")
        if kind == "function_call":
            turns.append(
                Turn(role="assistant", text="", calls=((item["name"], item["arguments"]),))
            )
        elif kind == "function_call_output":
            turns.append(Turn(role="tool", text=_text(item["output"])))
        elif kind == "message":
            turns.append(Turn(role=_role(item.get("role")), text=_text(item.get("content"))))
    return turns


def _role(role: Any) -> Any:
    return {"developer": "system", "function": "tool"}.get(role, role)


def _text(content: Any) -> str:
    if isinstance(content, str | None):
        return content or ""
    parts: list[Body] = content
    return "\n".join(str(part.get("text", "")) for part in parts)


def tools_of(body: Body) -> list[Tool]:
    """The functions on offer, in either API's form."""
    if body.get("tool_choice") == "none":
        return []
    functions = [tool.get("function", tool) for tool in body.get("tools") or ()]
    return [
        Tool(name=function["name"], parameters=function.get("parameters") or {})
        for function in functions
        if "name" in function
    ]


def schema_of(body: Body) -> Mapping[str, Any] | None:
    """The JSON schema that the answer must have, if one is asked for."""
    asked = _part(body, "response_format") or _part(_part(body, "text"), "format")
    if asked.get("type") != "json_schema":
        return None
    schema = _part(asked.get("json_schema", asked), "schema")
    definitions = _part(schema, "$defs")
    resolved: Body = json.loads(
        json.dumps(schema), object_hook=lambda part: _resolved(part, definitions)
    )
    return resolved


def _part(body: Body, key: str) -> Body:
    return body.get(key) or {}


def _resolved(part: Body, definitions: Body) -> Body:
    reference = part.get("$ref")
    return _part(definitions, reference.rpartition("/")[2]) if reference else part


def chat_usage(tokens: Tokens, model: str) -> Body:
    """Usage as the chat API reports it; `cost` as OpenRouter adds it."""
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
        "cost": tokens.cost(model),
    }


def response_usage(tokens: Tokens, model: str) -> Body:
    """Usage as the Responses API reports it."""
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
        "cost": tokens.cost(model),
    }


def chat_message(answer: Answer, seed: str) -> Body:
    """The assistant's message of a chat completion."""
    message: Body = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": new_id("call_", f"{seed}{index}"),
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for index, (name, arguments) in enumerate(answer.calls)
        ]
    return message


def chat_completion(answer: Answer, body: Body, tokens: Tokens, seed: str) -> Body:
    """A whole chat completion."""
    choice = {
        "index": 0,
        "message": chat_message(answer, seed),
        "logprobs": None,
        "finish_reason": finish_reason(answer),
    }
    head = _chat_head(body, seed, "chat.completion")
    return {**head, "choices": [choice], "usage": chat_usage(tokens, body["model"])}


def finish_reason(answer: Answer) -> str:
    """Why the model stopped."""
    return "tool_calls" if answer.calls else "stop"


def _chat_head(body: Body, seed: str, kind: str) -> Body:
    return {
        "id": new_id("chatcmpl-", seed),
        "object": kind,
        "created": int(time.time()),
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    }


def chat_chunks(answer: Answer, body: Body, tokens: Tokens, seed: str) -> Iterator[Body]:
    """The chunks of a streamed chat completion."""
    head = _chat_head(body, seed, "chat.completion.chunk")
    wants_usage = _part(body, "stream_options").get("include_usage")

    def chunk(delta: Body, finish: str | None = None) -> Body:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**head, "choices": [choice], **({"usage": None} if wants_usage else {})}

    yield chunk({"role": "assistant", "content": "" if answer.text else None, "refusal": None})
    for piece in pieces(answer.reasoning) if answer.reasoning else ():
        yield chunk({"reasoning_content": piece})
    for index, call in enumerate(chat_message(answer, seed).get("tool_calls", ())):
        arguments = call["function"]["arguments"]
        call["function"]["arguments"] = ""
        yield chunk({"tool_calls": [{"index": index, **call}]})
        for piece in pieces(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    for piece in pieces(answer.text) if answer.text else ():
        yield chunk({"content": piece})
    yield chunk({}, finish_reason(answer))
    if wants_usage:
        yield {**head, "choices": [], "usage": chat_usage(tokens, body["model"])}


def response_items(answer: Answer, seed: str) -> list[Body]:
    """The output items of a response."""
    items: list[Body] = []
    if answer.reasoning:
        summary = [{"type": "summary_text", "text": answer.reasoning}]
        items.append({"id": new_id("rs_", seed), "type": "reasoning", "summary": summary})
    for index, (name, arguments) in enumerate(answer.calls):
        items.append(
            {
                "id": new_id("fc_", f"{seed}{index}"),
                "type": "function_call",
                "status": "completed",
                "call_id": new_id("call_", f"{seed}{index}"),
                "name": name,
                "arguments": json.dumps(arguments),
            }
        )
    if answer.text:
        text: Body = {"type": "output_text", "annotations": [], "logprobs": [], "text": answer.text}
        items.append(
            {
                "id": new_id("msg_", seed),
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [text],
            }
        )
    return items


def response(answer: Answer, body: Body, tokens: Tokens, seed: str) -> Body:
    """A whole response."""
    done = {"status": "completed", "output": response_items(answer, seed)}
    return {
        **_response_head(body, seed),
        **done,
        "usage": response_usage(tokens, body["model"]),
    }


def _response_head(body: Body, seed: str) -> Body:
    return {
        "id": new_id("resp_", seed),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "service_tier": "default",
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
    }


def response_events(answer: Answer, body: Body, tokens: Tokens, seed: str) -> Iterator[Body]:
    """The events of a streamed response, numbered."""
    for number, event in enumerate(_events(answer, body, tokens, seed)):
        yield {**event, "sequence_number": number}


def _events(answer: Answer, body: Body, tokens: Tokens, seed: str) -> Iterator[Body]:
    head = _response_head(body, seed)
    yield {"type": "response.created", "response": head}
    yield {"type": "response.in_progress", "response": head}
    for index, item in enumerate(response_items(answer, seed)):
        place = {"output_index": index, "item_id": item["id"]}
        yield {"type": "response.output_item.added", "output_index": index, "item": _opened(item)}
        if item["type"] == "message":
            yield from _text_events(item["content"][0], {**place, "content_index": 0})
        elif item["type"] == "function_call":
            name = "response.function_call_arguments"
            for piece in pieces(item["arguments"]):
                yield {"type": f"{name}.delta", **place, "delta": piece}
            done = {"arguments": item["arguments"], "name": item["name"]}
            yield {"type": f"{name}.done", **place, **done}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": response(answer, body, tokens, seed)}


def _opened(item: Body) -> Body:
    """An output item as it is announced: nothing in it yet."""
    empty: dict[str, Body] = {"message": {"content": []}, "function_call": {"arguments": ""}}
    return {**item, **empty.get(item["type"], {}), "status": "in_progress"}


def _text_events(part: Body, place: Body) -> Iterator[Body]:
    empty = {**part, "text": ""}
    yield {"type": "response.content_part.added", **place, "part": empty}
    for piece in pieces(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}


def embeddings(body: Body) -> Body:
    """Vectors for the input: words hashed into dimensions, so that like texts are near."""
    given = body["input"]
    single = isinstance(given, str) or (bool(given) and isinstance(given[0], int))
    texts = [str(text) for text in ([given] if single else given)]
    dimensions = body.get("dimensions") or 256
    as_base64 = body.get("encoding_format") == "base64"
    vectors = [vector(text, dimensions) for text in texts]
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(v) if as_base64 else v}
        for index, v in enumerate(vectors)
    ]
    tokens = Tokens(input=sum(count_tokens(text) for text in texts))
    usage: Body = {"prompt_tokens": tokens.input, "total_tokens": tokens.input}
    usage["cost"] = tokens.cost(body["model"])
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def vector(text: str, dimensions: int) -> Sequence[float]:
    """A text as a vector of length one."""
    values = [0.0] * dimensions
    for word in re.findall(r"[a-z]{3,}", text.lower()):
        digest = hashlib.sha256(stem(word).encode()).digest()
        values[int.from_bytes(digest[:4]) % dimensions] += 1.0 if digest[4] % 2 else -1.0
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def _packed(values: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
