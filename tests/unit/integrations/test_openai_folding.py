"""A stream folds into the body that a plain answer would have had."""

import base64
import json
from typing import Any

import pytest

from tracekit.integrations._openai_endpoints import find_endpoint
from tracekit.integrations._openai_stream import Folded, events_of, fold


def folded(path: str, *events: Any, done: bool = True) -> Folded:
    data = b""
    for event in events:
        name = (
            f"event: {event['type']}\n" if path != "/chat/completions" and "type" in event else ""
        )
        data += f"{name}data: {json.dumps(event)}\n\n".encode()
    return fold(find_endpoint("post", path), data + (b"data: [DONE]\n\n" if done else b""))


def chunk(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def message(*chunks: Any) -> dict[str, Any]:
    choice: dict[str, Any] = folded("/chat/completions", *chunks).body["choices"][0]["message"]
    return choice


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r"])
def test_events_with_any_line_end(end: str) -> None:
    line = end[: len(end) // 2]
    text = f': hi{end}event: a{line}data: {{"x":{line}data: 1}}{end}data:{{"y":2}}{end}data: [DONE]'
    assert events_of(text.encode()) == [("a", {"x": 1}), ("", {"y": 2}), ("", None)]


def test_a_broken_event_is_left_out_and_the_others_kept() -> None:
    assert events_of(b'data: {"a":1}\n\ndata: {"b":\n\ndata: {"c":3}\n\n') == [
        ("", {"a": 1}),
        ("", {"c": 3}),
    ]


def test_the_last_event_may_be_cut_off() -> None:
    assert events_of(b'data: {"a":1}\n\ndata: {"b":') == [("", {"a": 1})]


def test_tool_calls_of_several_choices_stay_apart() -> None:
    def call(position: int, **function: Any) -> list[Any]:
        return [{"index": position, "function": function}]

    body = folded(
        "/chat/completions",
        chunk(0, tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]),
        chunk(1, tool_calls=[{"index": 0, "id": "b", "function": {"name": "g", "arguments": ""}}]),
        chunk(0, tool_calls=call(0, arguments='{"x":')),
        chunk(1, tool_calls=call(0, arguments="{}")),
        chunk(0, tool_calls=call(0, arguments="1}")),
        chunk(0, "tool_calls"),
        chunk(1, "stop"),
    ).body
    first, second = (choice["message"]["tool_calls"] for choice in body["choices"])
    assert first[0]["function"] == {"name": "f", "arguments": '{"x":1}'}
    assert (second[0]["id"], second[0]["function"]["arguments"]) == ("b", "{}")


def test_calls_sent_whole_under_one_index_are_two_calls() -> None:
    calls = [
        {"index": 0, "id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"
    ]
    found = message(chunk(tool_calls=[calls[0]]), chunk(tool_calls=[calls[1]]))["tool_calls"]
    assert [call["id"] for call in found] == ["a", "b"]


def test_calls_without_an_index_are_two_calls() -> None:
    calls = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"]
    assert len(message(chunk(tool_calls=calls))["tool_calls"]) == 2


def test_a_legacy_function_call() -> None:
    call = message(
        chunk(function_call={"name": "f", "arguments": ""}),
        chunk(function_call={"arguments": '{"a"'}),
        chunk(function_call={"arguments": ":1}"}),
    )["function_call"]
    assert call == {"name": "f", "arguments": '{"a":1}'}


def test_sound_is_decoded_piece_by_piece() -> None:
    pieces = [base64.b64encode(data).decode() for data in (b"a", b"bc", b"def")]
    audio = message(
        chunk(audio={"id": "audio_1", "transcript": "He"}),
        *(chunk(audio={"data": piece}) for piece in pieces),
        chunk(audio={"transcript": "llo", "expires_at": 9}),
    )["audio"]
    assert audio == {"id": "audio_1", "transcript": "Hello", "data": b"abcdef", "expires_at": 9}


def test_thoughts_of_compatible_services() -> None:
    found = message(
        chunk(reasoning="H", reasoning_details=[{"index": 0, "type": "t", "text": "H"}]),
        chunk(reasoning="m", reasoning_details=[{"index": 0, "type": "t", "text": "m"}]),
        chunk(content="A"),
    )
    assert (found["reasoning"], found["content"]) == ("Hm", "A")
    assert found["reasoning_details"] == [{"index": 0, "type": "t", "text": "Hm"}]


def test_content_as_parts_and_then_as_text() -> None:
    found = message(
        chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]),
        chunk(content="A"),
    )
    assert found["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        {"type": "text", "text": "A"},
    ]


def test_logprobs_are_joined() -> None:
    def with_logprobs(token: str) -> dict[str, Any]:
        choice = {"index": 0, "delta": {}, "logprobs": {"content": [{"token": token}]}}
        return {"choices": [choice]}

    body = folded("/chat/completions", with_logprobs("A"), with_logprobs("b")).body
    assert body["choices"][0]["logprobs"]["content"] == [{"token": "A"}, {"token": "b"}]


def test_facts_that_come_late_or_in_part() -> None:
    body = folded(
        "/chat/completions",
        {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        {**chunk(content="A"), "model": "m", "x_groq": {"id": "req_1"}, "obfuscation": "x1"},
        {**chunk(finish="stop"), "x_groq": {"usage": {"prompt_tokens": 3}}},
        {"id": "c", "choices": [], "usage": {"prompt_tokens": 3}},
    ).body
    assert (body["id"], body["model"]) == ("c", "m")
    assert body["x_groq"] == {"id": "req_1", "usage": {"prompt_tokens": 3}}
    assert body["prompt_filter_results"] == [{"prompt_index": 0}]
    assert "obfuscation" not in body


def test_a_finish_reason_stays_when_a_later_chunk_has_none() -> None:
    body = folded("/chat/completions", chunk(finish="stop"), chunk(content="")).body
    assert body["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("events", "done", "complete"),
    [
        ([chunk(content="A")], True, True),
        ([chunk(content="A"), chunk(finish="stop")], False, True),
        ([chunk(0, "stop"), chunk(1, content="A")], False, False),
        ([chunk(content="A")], False, False),
        ([], False, False),
    ],
)
def test_when_a_stream_is_complete(events: list[Any], done: bool, complete: bool) -> None:
    assert folded("/chat/completions", *events, done=done).is_complete is complete


def created(**more: Any) -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": "r", "output": [], **more}}


def test_the_last_event_of_a_response_carries_the_whole() -> None:
    whole = {"id": "r", "status": "completed", "output": [{"type": "message"}]}
    found = folded("/responses", created(), {"type": "response.completed", "response": whole})
    assert found.is_complete
    assert found.body == whole


def test_a_response_broken_off_is_put_together_from_its_pieces() -> None:
    def event(kind: str, **more: Any) -> dict[str, Any]:
        return {"type": f"response.{kind}", **more}

    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
    code = {"type": "code_interpreter_call", "id": "ci", "code": ""}
    part = {"type": "output_text", "text": ""}
    found = folded(
        "/responses",
        created(status="in_progress"),
        event("output_item.added", output_index=0, item={"type": "reasoning", "summary": []}),
        event("reasoning_summary_part.added", output_index=0, summary_index=0, part={"text": ""}),
        event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="Hm"),
        event("output_item.added", output_index=1, item={"type": "message", "role": "assistant"}),
        event("content_part.added", output_index=1, content_index=0, part=part),
        event("output_text.delta", output_index=1, content_index=0, delta="Hel"),
        event("output_text.delta", output_index=1, content_index=0, delta="lo"),
        event("output_item.added", output_index=2, item=call),
        event("function_call_arguments.delta", output_index=2, delta='{"a":'),
        event("output_item.added", output_index=3, item=code),
        event("code_interpreter_call_code.delta", output_index=3, delta="1+1"),
        done=False,
    )
    thought, text, called, ran = found.body["output"]
    assert not found.is_complete
    assert thought["summary"] == [{"text": "Hm"}]
    assert text["content"][0]["text"] == "Hello"
    assert called["arguments"] == '{"a":'
    assert ran["code"] == "1+1"


def test_items_are_kept_where_the_last_event_leaves_them_out() -> None:
    item = {"type": "message", "role": "assistant", "content": []}
    found = folded(
        "/responses",
        created(),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": {"id": "r", "status": "completed", "output": []},
        },
    )
    assert found.body["output"] == [item]


def test_errors_of_a_response_stream() -> None:
    failed = {"id": "r", "status": "failed", "error": {"code": "server_error", "message": "m"}}
    whole = folded("/responses", created(), {"type": "response.failed", "response": failed})
    assert (whole.is_complete, whole.body["error"]["code"]) == (True, "server_error")
    event = {"type": "error", "code": "rate_limit_exceeded", "message": "slow down"}
    broken = folded("/responses", created(), event, done=False)
    assert (broken.is_complete, broken.error) == (False, event)


def test_images_with_previews() -> None:
    found = folded(
        "/images/generations",
        {"type": "image_generation.partial_image", "b64_json": "AA==", "partial_image_index": 0},
        {"type": "image_generation.completed", "b64_json": "AAE=", "usage": {"input_tokens": 1}},
        done=False,
    )
    assert found.is_complete
    assert found.body["data"] == [{"b64_json": "AAE="}]
    assert (found.body["partial_images"], found.body["usage"]) == (1, {"input_tokens": 1})


def test_transcriptions_and_speech() -> None:
    found = folded(
        "/audio/transcriptions",
        {"type": "transcript.text.delta", "delta": "He"},
        {"type": "transcript.text.segment", "text": "Hello", "speaker": "A"},
        {"type": "transcript.text.done", "text": "Hello", "usage": {"input_tokens": 1}},
        done=False,
    )
    assert (found.is_complete, found.body["text"]) == (True, "Hello")
    assert found.body["segments"] == [{"text": "Hello", "speaker": "A"}]
    sound = folded(
        "/audio/speech",
        {"type": "speech.audio.delta", "audio": base64.b64encode(b"ab").decode()},
        {"type": "speech.audio.delta", "audio": base64.b64encode(b"c").decode()},
        {"type": "speech.audio.done", "usage": {"output_tokens": 2}},
        done=False,
    )
    assert sound.body == {"audio": b"abc", "usage": {"output_tokens": 2}}


def test_streams_of_other_kinds_keep_their_whole_events() -> None:
    found = folded(
        "/threads/runs",
        {"type": "thread.run.created"},
        {"type": "thread.message.delta"},
        {"type": "thread.run.completed"},
    )
    assert [event["event"] for event in found.body["events"]] == [
        "thread.run.created",
        "thread.run.completed",
    ]


def test_a_long_stream_takes_time_in_proportion() -> None:
    found = message(*(chunk(content="word ") for _ in range(20_000)))
    assert len(found["content"]) == 100_000
