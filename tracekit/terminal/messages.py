"""Messages in words, from the JSON text that spans carry."""

import json
from collections.abc import Mapping
from typing import Any, cast

Message = Mapping[str, Any]


def read_messages(recorded: str | None) -> list[Message]:
    """The messages of a span's attribute; none if it is no list of messages."""
    try:
        value: list[Any] | dict[str, Any] = json.loads(recorded or "[]")
    except ValueError:
        return []
    return [part for part in value if isinstance(part, dict)]


def message_text(message: Message) -> str:
    """A message in words: its texts, the tools it calls, the results it brings."""
    return "\n".join(filter(None, map(_part_text, message.get("parts") or ())))


def _part_text(part: Any) -> str:
    match part:
        case {"type": "text" | "refusal", "content": str(text)}:
            return text
        case {"type": "reasoning", "content": str(text)}:
            return f"(reasoning) {text}"
        case {"type": "tool_call", "name": name, "arguments": arguments}:
            return f"→ {name}({compact(arguments)})"
        case {"type": "tool_call_response", "response": result} | {"result": result}:
            return f"← {compact(result)}"
        case {"type": kind}:
            return f"[{kind}]"
        case _:
            return str(part)


def compact(value: Any) -> str:
    """A value as text: JSON, but a string as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def gist(recorded: str) -> str:
    """The last words of what a trace was given or gave back."""
    try:
        return _gist(json.loads(recorded))
    except ValueError:
        return recorded


def _gist(value: Any) -> str:
    match value:
        case [*_, {"parts": _} as message]:
            return message_text(message)
        case [*_, {"content": str(text)}] | {"content": str(text)}:
            return text
        case {"messages": [*_, _] as inner} | {"input": inner} | {"question": inner}:
            return _gist(inner)
        case dict() if len(cast("dict[str, Any]", value)) == 1:
            return _gist(*cast("dict[str, Any]", value).values())
        case _:
            return compact(value)
