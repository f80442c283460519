import json
import time

import pytest

from tracekit.redaction import hide_secrets

SECRETS = {
    "openai": "sk-proj-" + "A1b2" * 10,
    "anthropic": "sk-ant-api03-" + "A1b2" * 8,
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "github": "ghp_" + "a" * 36,
    "google": "AIza" + "Sy" + "b" * 33,
    "huggingface": "hf_" + "c" * 34,
    "slack": "xoxb-1-1-AAAAAAAA",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.AbCdEf",
    "bearer": "Bearer tok_123456",
    "url user": "postgres://u:p4ss@host/db",
    "query": "https://h/p?api_key=tok_123456&x=1",
    "signature": "X-Amz-Signature=abcdef0123",
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEabc\n",
}


SECRET_PARTS = {
    "bearer": ("tok_123456",),
    "private key": ("MIIEabc",),
    "url user": ("p4ss",),
    "query": ("tok_123456",),
    "signature": ("abcdef0123",),
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("frame", ["{}", "before {} after", "line\n{}\nline", '{{"k": "{}"}}'])
def test_credentials_are_hidden_wherever_they_stand(kind: str, frame: str) -> None:
    secret = SECRETS[kind]
    line = json.dumps({"content": json.dumps({"text": frame.format(secret)})}).encode()
    hidden = hide_secrets(line)
    assert b"[secret hidden]" in hidden
    json.loads(hidden)
    for part in SECRET_PARTS.get(kind, (secret,)):
        assert part.encode() not in hidden


@pytest.mark.parametrize("name", ["api_key", "password", "Authorization", "openai_api_key"])
def test_fields_that_are_named_like_secrets_are_hidden(name: str) -> None:
    line = json.dumps({"args": json.dumps({name: "s3cr3t value"}), "n": 1}).encode()
    assert b"s3cr3t" not in hide_secrets(line)


@pytest.mark.parametrize(
    "text",
    [
        "task-force-one-two-three is skipped",
        "the api_key parameter; passwords expire",
        "chatcmpl-9abcdefghijklmnopqrstuvwxyz",
        "https://example.org/a@b and me@example.org",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
        "primary_key: id, foreign-key: x",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    line = json.dumps({"content": text}).encode()
    assert hide_secrets(line) == line


@pytest.mark.parametrize(
    "unit", [b"a", b"a-", b"sk-", b"://", b"eyJ", b"xoxb-", b'password":"', b"AKIA"]
)
def test_scrubbing_is_linear(unit: bytes) -> None:
    start = time.process_time()
    hide_secrets(unit * (1_000_000 // len(unit)))
    assert time.process_time() - start < 3
