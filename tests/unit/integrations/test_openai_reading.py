"""What is read out of requests and answers of every kind; bodies as the API documents them."""

import base64
import hashlib
import json
from typing import Any

import pytest

import tracekit
from tracekit import semconv
from tracekit.integrations._openai_endpoints import find_endpoint
from tracekit.integrations._openai_request import request_contents, request_facts
from tracekit.integrations._openai_response import Answer, read_answer
from tracekit.integrations._openai_usage import usage_facts
from tracekit.store.store import Store

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def asked(path: str, body: dict[str, Any], files: Any = None) -> dict[str, Any]:
    endpoint = find_endpoint("post", path)
    return {
        **request_facts(endpoint, body),
        **{k: v for k, v in request_contents(endpoint, body, files) if v is not None},
    }


def answered(path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = answer_to(path, body)
    return {**answer.facts, **{k: v for k, v in answer.contents if v is not None}}


def answer_to(path: str, body: Any) -> Answer:
    return read_answer(find_endpoint("post", path), body)


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return asked("/chat/completions", {"model": "m", "messages": list(messages), **more})


def parts_of(*messages: Any) -> list[dict[str, Any]]:
    return [
        part for message in chat(*messages)[semconv.INPUT_MESSAGES] for part in message["parts"]
    ]


def said(path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = answered(path, body)[semconv.OUTPUT_MESSAGES]
    return [part for message in messages for part in message["parts"]]


def reply(**message: Any) -> list[dict[str, Any]]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return said("/chat/completions", {"choices": [choice]})


def items(*output: Any) -> list[dict[str, Any]]:
    return said("/responses", {"status": "completed", "output": list(output)})


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"temperature": 1}, semconv.REQUEST_TEMPERATURE, 1.0),
        ({"n": 3}, semconv.REQUEST_CHOICE_COUNT, 3),
        ({"stop": "END"}, semconv.REQUEST_STOP_SEQUENCES, ["END"]),
        ({"seed": 7}, semconv.REQUEST_SEED, 7),
        ({"max_completion_tokens": 9}, semconv.REQUEST_MAX_TOKENS, 9),
        ({"reasoning_effort": "low"}, semconv.REQUEST_REASONING_LEVEL, "low"),
        ({"service_tier": "flex"}, semconv.OPENAI_REQUEST_SERVICE_TIER, "flex"),
        ({"response_format": {"type": "json_schema"}}, semconv.OUTPUT_TYPE, "json"),
        ({"modalities": ["text", "audio"]}, semconv.OUTPUT_TYPE, "speech"),
    ],
)
def test_parameters_of_chat(given: dict[str, Any], name: str, value: Any) -> None:
    assert chat(**given)[name] == value


def test_defaults_are_not_recorded_as_parameters() -> None:
    facts = chat(n=1, service_tier="auto", stream=False)
    assert set(facts) == {
        semconv.OPENAI_API_TYPE,
        semconv.REQUEST_MODEL,
        semconv.INPUT_MESSAGES,
        semconv.REQUEST_PARAMETERS,
    }


def test_parameters_of_responses() -> None:
    facts = asked(
        "/responses",
        {
            "model": "m",
            "reasoning": {"effort": "high", "summary": "auto"},
            "text": {"format": {"type": "json_object"}},
            "max_output_tokens": 5,
            "previous_response_id": "resp_0",
            "conversation": {"id": "conv_1"},
            "prompt": {"id": "pmpt_1", "version": "3", "variables": {"name": "Ada"}},
        },
    )
    assert facts[semconv.REQUEST_REASONING_LEVEL] == "high"
    assert facts[semconv.OUTPUT_TYPE] == "json"
    assert facts[semconv.REQUEST_MAX_TOKENS] == 5
    assert facts[semconv.REQUEST_PREVIOUS_RESPONSE_ID] == "resp_0"
    assert facts[semconv.CONVERSATION_ID] == "conv_1"
    assert (facts[semconv.PROMPT_NAME], facts[semconv.PROMPT_VERSION]) == ("pmpt_1", "3")
    assert facts["gen_ai.prompt.variable.name"].text == "Ada"


def test_unknown_parameters_are_not_recorded() -> None:
    recorded = chat(vendor_credential="x-1", metadata={"team": "a"})[semconv.REQUEST_PARAMETERS]
    assert recorded == {"metadata": {"team": "a"}}


def test_an_image_in_a_message_is_kept_once_as_an_artifact(store: Store) -> None:
    image = {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}}
    (part,) = parts_of({"role": "user", "content": [image]})
    sha256 = hashlib.sha256(PNG).hexdigest()
    assert part == {
        "type": "blob",
        "mime_type": "image/png",
        "modality": "image",
        "sha256": sha256,
        "bytes": len(PNG),
        "detail": "low",
    }
    assert (store.artifacts / "sha256" / sha256[:2] / sha256).read_bytes() == PNG


def test_media_that_can_t_be_written_keep_their_size(store: Store) -> None:
    store.folder.parent.mkdir(exist_ok=True)
    store.folder.write_text("a file where a folder should be")
    image = {"type": "input_image", "image_url": PNG_URL}
    (part,) = parts_of({"role": "user", "content": [image]})
    assert (part["bytes"], "sha256" in part) == (len(PNG), False)


@pytest.mark.usefixtures("store")
def test_parts_of_every_kind() -> None:
    sound, file = base64.b64encode(b"ID3").decode(), base64.b64encode(b"%PDF").decode()
    found = parts_of(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look:", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://x.org/a.png"}},
                {"type": "input_audio", "input_audio": {"data": sound, "format": "mp3"}},
                {"type": "file", "file": {"file_data": file, "filename": "a.pdf"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "video_url", "video_url": {"url": "https://x.org/a.mp4"}},
                {"type": "something_new", "value": 1},
            ],
        }
    )
    kinds = [(part["type"], part.get("modality")) for part in found]
    assert kinds == [
        ("text", None),
        ("uri", "image"),
        ("blob", "audio"),
        ("blob", "document"),
        ("file", "document"),
        ("uri", "video"),
        ("something_new", None),
    ]
    assert found[0]["cache_control"] == {"type": "ephemeral"}
    assert (found[3]["mime_type"], found[3]["filename"]) == ("application/pdf", "a.pdf")
    assert found[6] == {"type": "something_new", "value": 1}


def test_an_assistant_s_earlier_turn() -> None:
    found = parts_of(
        {
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "No."}],
            "reasoning_content": "Hm.",
            "audio": {"id": "audio_1"},
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x = 1"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
        {"role": "function", "name": "h", "content": "8"},
    )
    assert found == [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "No.", "refusal": True},
        {"type": "file", "modality": "audio", "file_id": "audio_1"},
        {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
        {"type": "tool_call", "id": "c2", "name": "g", "arguments": "x = 1", "tool_type": "custom"},
        {"type": "tool_call_response", "id": "c1", "response": "7"},
        {"type": "tool_call_response", "response": "8", "name": "h"},
    ]


def test_tools_of_both_apis_are_flat_and_without_secrets() -> None:
    tools = [
        {"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}},
        {"type": "function", "name": "g", "description": "d"},
        {"type": "web_search"},
        {
            "type": "mcp",
            "server_label": "files",
            "authorization": "token-1",
            "headers": {"x-key": "token-2"},
        },
    ]
    found = chat(tools=tools, functions=[{"name": "old"}])[semconv.TOOL_DEFINITIONS]
    assert [tool["name"] for tool in found] == ["f", "g", "web_search", "files", "old"]
    assert "token-" not in json.dumps(found)


def test_a_text_over_the_limit_is_cut_and_says_so() -> None:
    tracekit.configure(max_text_length=10)
    (part,) = parts_of({"role": "user", "content": "a" * 50})
    assert part["content"] == "aaaaaaaaaa… [cut: 50 characters in all]"


def test_items_that_go_in() -> None:
    facts = asked(
        "/responses",
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "developer", "content": [{"type": "input_text", "text": "Hi"}]},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "7"},
                {"type": "local_shell_call_output", "id": "sh_1", "output": "ok"},
                {"type": "item_reference", "id": "msg_1"},
                {"type": "mcp_approval_response", "approval_request_id": "m", "approve": True},
            ],
        },
    )
    assert facts[semconv.SYSTEM_INSTRUCTIONS] == [{"type": "text", "content": "Be brief."}]
    messages = facts[semconv.INPUT_MESSAGES]
    assert [message["role"] for message in messages] == [
        *("developer", "assistant", "tool", "tool", "user", "user")
    ]
    assert messages[1]["parts"][0]["name"] == "f"
    assert messages[2]["parts"] == [{"type": "tool_call_response", "id": "c1", "response": "7"}]
    assert messages[4]["parts"] == [{"type": "item_reference", "id": "msg_1"}]


def test_calls_that_the_program_is_to_make() -> None:
    found = items(
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "id": "ct_1", "call_id": "c2", "name": "g", "input": "x"},
        {"type": "computer_call", "id": "cu_1", "call_id": "c3", "action": {"type": "click"}},
        {"type": "local_shell_call", "id": "ls_1", "call_id": "c4", "action": {"command": ["ls"]}},
        {"type": "shell_call", "id": "sh_1", "call_id": "c5", "action": {"commands": ["ls"]}},
        {"type": "apply_patch_call", "id": "ap_1", "call_id": "c6", "operation": {"path": "a"}},
    )
    assert [(p["type"], p["id"], p["name"], p["arguments"]) for p in found] == [
        ("tool_call", "c1", "f", {}),
        ("tool_call", "c2", "g", "x"),
        ("tool_call", "c3", "computer", {"action": {"type": "click"}}),
        ("tool_call", "c4", "local_shell", {"command": ["ls"]}),
        ("tool_call", "c5", "shell", {"commands": ["ls"]}),
        ("tool_call", "c6", "apply_patch", {"path": "a"}),
    ]
    assert found[0]["item_id"] == "fc_1"


def test_tools_that_the_provider_runs_are_paired_with_what_they_gave() -> None:
    search = {
        "type": "file_search_call",
        "id": "fs_1",
        "queries": ["q"],
        "results": [{"text": "t"}],
    }
    code = {
        "type": "code_interpreter_call",
        "id": "ci_1",
        "code": "1+1",
        "outputs": [{"logs": "2"}],
    }
    mcp = {"type": "mcp_call", "id": "mcp_1", "name": "ask", "arguments": "{}", "output": "yes"}
    found = items(search, code, mcp, {"type": "web_search_call", "id": "ws_1", "action": {"q": 1}})
    assert [(p["type"], p["id"]) for p in found] == [
        ("server_tool_call", "fs_1"),
        ("server_tool_call_response", "fs_1"),
        ("server_tool_call", "ci_1"),
        ("server_tool_call_response", "ci_1"),
        ("server_tool_call", "mcp_1"),
        ("server_tool_call_response", "mcp_1"),
        ("server_tool_call", "ws_1"),
    ]
    assert found[0]["server_tool_call"] == {"type": "file_search_call", "queries": ["q"]}
    assert found[3]["server_tool_call_response"]["outputs"] == [{"logs": "2"}]
    assert found[4]["name"] == "ask"


def test_an_image_that_a_tool_made_is_a_blob(store: Store) -> None:
    encoded = base64.b64encode(PNG).decode()
    call, image = items({"type": "image_generation_call", "id": "ig_1", "result": encoded})
    assert encoded not in json.dumps(call)
    assert (image["type"], image["mime_type"], image["id"]) == ("blob", "image/png", "ig_1")
    assert store.artifacts.exists()


def test_reasoning_items_keep_summary_content_and_what_is_encrypted() -> None:
    found = items(
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "short"}],
            "content": [{"type": "reasoning_text", "text": "long"}],
            "encrypted_content": "gAAA",
        },
        {"type": "reasoning", "id": "rs_2", "summary": []},
    )
    assert found[0] == {
        "type": "reasoning",
        "content": "short",
        "id": "rs_1",
        "encrypted_content": "gAAA",
    }
    assert [part["content"] for part in found] == ["short", "long", ""]


def test_annotations_and_logprobs_stay_with_their_text() -> None:
    text = {"type": "output_text", "text": "Yes", "annotations": [{"type": "url_citation"}]}
    (part,) = items({"type": "message", "id": "msg_1", "role": "assistant", "content": [text]})
    assert part["annotations"] == [{"type": "url_citation"}]
    assert part["id"] == "msg_1"


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ({"status": "completed", "output": []}, ["stop"]),
        ({"status": "completed", "output": [{"type": "function_call"}]}, ["tool_call"]),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            ["content_filter"],
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            ["length"],
        ),
        ({"status": "failed", "error": {"code": "server_error", "message": "m"}}, ["error"]),
        ({"status": "cancelled"}, ["error"]),
        ({"status": "queued"}, None),
        ({"status": "in_progress"}, None),
    ],
)
def test_finish_reasons_of_responses(body: dict[str, Any], reasons: list[str] | None) -> None:
    answer = answer_to("/responses", body)
    assert answer.facts.get(semconv.RESPONSE_FINISH_REASONS) == reasons
    assert (answer.error is not None) == (body["status"] == "failed")


def test_finish_reasons_are_aligned_with_the_choices() -> None:
    choices = [
        {"index": 1, "message": {}, "finish_reason": "tool_calls"},
        {"index": 0, "message": {}, "finish_reason": None},
    ]
    facts = answered("/chat/completions", {"choices": choices})
    assert facts[semconv.RESPONSE_FINISH_REASONS] == ["error", "tool_call"]


def test_reasoning_of_compatible_services() -> None:
    details = [{"type": "reasoning.text", "text": "Hm."}]
    assert reply(content="A", reasoning_content="Hm.")[0]["type"] == "reasoning"
    assert reply(content="A", reasoning="Hm.", reasoning_details=details)[0]["content"] == "Hm."
    mistral = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "A"},
    ]
    assert [(p["type"], p["content"]) for p in reply(content=mistral)] == [
        ("reasoning", "Hm."),
        ("text", "A"),
    ]


@pytest.mark.usefixtures("store")
def test_images_that_a_chat_model_made() -> None:
    (image,) = reply(content=None, images=[{"type": "image_url", "image_url": {"url": PNG_URL}}])
    assert (image["type"], image["modality"]) == ("blob", "image")


def test_what_a_service_says_beyond_the_known_is_kept() -> None:
    facts = answered(
        "/chat/completions",
        {
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "A", "annotations": [{"a": 1}]},
                    "finish_reason": "stop",
                    "logprobs": {"content": [{"token": "A", "logprob": -0.1}]},
                    "content_filter_results": {"hate": {"filtered": False}},
                }
            ],
            "citations": ["https://x.org"],
            "prompt_filter_results": [{"prompt_index": 0}],
        },
    )
    assert facts[semconv.RESPONSE_EXTRA] == {
        "citations": ["https://x.org"],
        "prompt_filter_results": [{"prompt_index": 0}],
    }
    (message,) = facts[semconv.OUTPUT_MESSAGES]
    assert message["logprobs"]["content"][0]["token"] == "A"
    assert message["annotations"] == [{"a": 1}]
    assert message["content_filter_results"] == {"hate": {"filtered": False}}


def test_embeddings_are_counted_and_not_kept() -> None:
    encoded = base64.b64encode(b"\0" * 4 * 1536).decode()
    for vector, size in (([0.1, 0.2, 0.3], 3), (encoded, 1536)):
        facts = answered("/embeddings", {"model": "e", "data": [{"embedding": vector}]})
        assert facts[semconv.OUTPUT] == {"embeddings": 1, "dimensions": size}
        assert facts[semconv.EMBEDDINGS_DIMENSIONS] == size
    assert asked("/embeddings", {"input": ["a", "b"], "dimensions": 8})[semconv.INPUT] == ["a", "b"]


@pytest.mark.usefixtures("store")
def test_images_transcriptions_and_moderations() -> None:
    made = {"data": [{"b64_json": base64.b64encode(PNG).decode(), "revised_prompt": "cat"}]}
    (image,) = said("/images/generations", made)
    assert (image["mime_type"], image["revised_prompt"]) == ("image/png", "cat")
    verbose = {"text": "Hi", "language": "en", "duration": 1.5, "segments": [{"text": "Hi"}]}
    (text,) = said("/audio/transcriptions", verbose)
    assert (text["content"], text["segments"]) == ("Hi", [{"text": "Hi"}])
    results = [{"flagged": True}]
    assert answered("/moderations", {"results": results})[semconv.OUTPUT] == results


@pytest.mark.usefixtures("store")
def test_files_of_an_upload_in_every_form() -> None:
    files = [("image[]", ("a.png", PNG, "image/png")), ("mask", PNG), ("x", ("b.png", object()))]
    facts = asked("/images/edits", {"model": "gpt-image-1", "prompt": "red"}, files)
    parts = facts[semconv.INPUT_MESSAGES][0]["parts"]
    assert [part["type"] for part in parts] == ["text", "blob", "blob", "file"]
    assert parts[1]["filename"] == "a.png"
    assert (
        asked("/audio/transcriptions", {}, {"file": ("a.wav", b"RIFF")})[semconv.INPUT_MESSAGES][0][
            "parts"
        ][0]["modality"]
        == "audio"
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 6,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
                "completion_tokens_details": {
                    "reasoning_tokens": 3,
                    "accepted_prediction_tokens": 2,
                    "rejected_prediction_tokens": 1,
                },
            },
            {
                semconv.INPUT_TOKENS: 10,
                semconv.OUTPUT_TOKENS: 6,
                semconv.CACHE_READ_TOKENS: 4,
                semconv.AUDIO_INPUT_TOKENS: 1,
                semconv.REASONING_TOKENS: 3,
                semconv.ACCEPTED_PREDICTION_TOKENS: 2,
                semconv.REJECTED_PREDICTION_TOKENS: 1,
            },
        ),
        (
            {"prompt_tokens": 8, "completion_tokens": 1, "prompt_cache_hit_tokens": 5},
            {
                semconv.INPUT_TOKENS: 8,
                semconv.OUTPUT_TOKENS: 1,
                semconv.CACHE_READ_TOKENS: 5,
            },
        ),
        (
            {
                "prompt_tokens": 8,
                "completion_tokens": 2,
                "total_tokens": 15,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            {semconv.INPUT_TOKENS: 8, semconv.OUTPUT_TOKENS: 7, semconv.REASONING_TOKENS: 5},
        ),
        (
            {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.002},
            {semconv.INPUT_TOKENS: 1, semconv.OUTPUT_TOKENS: 1, semconv.COST: 0.002},
        ),
        (
            {"prompt_tokens": 1, "completion_tokens": 1, "cost": {"total_cost": 0.005}},
            {semconv.INPUT_TOKENS: 1, semconv.OUTPUT_TOKENS: 1, semconv.COST: 0.005},
        ),
        ({"type": "duration", "seconds": 9}, {}),
        ({"prompt_tokens": None, "completion_tokens": "many", "total_tokens": True}, {}),
    ],
)
def test_usage(usage: dict[str, Any], expected: dict[str, Any]) -> None:
    assert usage_facts(usage) == expected


@pytest.mark.parametrize(
    ("method", "url", "operation", "label"),
    [
        ("POST", "/openai/deployments/d/chat/completions?api-version=1", "chat", None),
        ("POST", "https://x.org/v1/responses", "chat", None),
        ("POST", "/responses/compact", "chat", None),
        ("GET", "/responses/resp_1", "fetch_response", None),
        ("POST", "/responses/resp_1/cancel", None, "POST /responses/{id}/cancel"),
        ("POST", "/responses/input_tokens", None, "POST /responses/input_tokens"),
        ("GET", "/responses/resp_06a5/input_items", None, "GET /responses/{id}/input_items"),
        ("GET", "/models", None, "GET /models"),
        ("POST", "/images/edits", "generate_content", None),
        ("DELETE", "/files/file-AbC123xyz", None, "DELETE /files/{id}"),
    ],
)
def test_endpoints(method: str, url: str, operation: str | None, label: str | None) -> None:
    endpoint = find_endpoint(method, url)
    assert endpoint.operation == operation
    assert label is None or endpoint.label == label


@pytest.mark.parametrize("body", [None, [], "text", 5, {"choices": [None, 5]}, {"output": "x"}])
@pytest.mark.parametrize("path", ["/chat/completions", "/responses", "/embeddings", "/files"])
def test_bodies_of_any_shape_are_read_without_an_error(path: str, body: Any) -> None:
    assert isinstance(answer_to(path, body), Answer)
    if isinstance(body, dict):
        assert isinstance(asked(path, {"messages": body, "input": body, "tools": 5}), dict)
