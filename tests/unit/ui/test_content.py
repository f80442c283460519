import json

from hypothesis import given
from hypothesis import strategies as st

from tracekit.ui.content import parsed, plain, preview, without_base64

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_a_value_that_fits_comes_back_as_it_was(value: object) -> None:
    assert parsed(json.dumps(value)) == value
    assert plain(value) == value


@given(st.text(max_size=200))
def test_any_text_has_a_preview_of_one_line(text: str) -> None:
    line = preview(text)
    assert len(line) <= 120
    assert "\n" not in line


def test_base64_is_named_instead_of_shown() -> None:
    value = parsed(json.dumps({"image": {"url": "data:image/png;base64," + "iVBORw0K" * 900}}))
    assert value["image"]["url"].endswith("[7,200 characters of base64 left out]")


def test_an_answer_without_spaces_is_no_base64() -> None:
    text = "Größe—" * 2000
    assert without_base64(text) == text


def test_integers_that_javascript_cant_hold_keep_their_digits() -> None:
    big = 2**63 + 1
    assert parsed(f'{{"a": {big}, "b": [{2**53}, -{10**30}], "c": "{big}"}}') == {
        "a": {"$number": str(big)},
        "b": [2**53, {"$number": f"-{10**30}"}],
        "c": str(big),
    }


def test_json_of_ten_thousand_levels_is_text() -> None:
    text = "[" * 10_000 + "]" * 10_000
    assert parsed(text) == text
    assert parsed("[" * 240 + "]" * 240) == "[" * 240 + "]" * 240


def test_what_json_has_no_word_for_becomes_text() -> None:
    assert plain({"when": {1, 2}.__class__, "n": 2**70}) == {
        "when": "<class 'set'>",
        "n": {"$number": str(2**70)},
    }


def test_the_preview_is_what_the_user_asked_last() -> None:
    messages = [
        {"role": "system", "parts": [{"type": "text", "content": "You are kind."}]},
        {"role": "user", "parts": [{"type": "text", "content": "First"}]},
        {
            "role": "user",
            "parts": [{"type": "blob"}, {"type": "text", "content": "**Where** is\nit?"}],
        },
    ]
    assert preview(json.dumps(messages)) == "Where is it?"
    assert preview(json.dumps({"messages": [{"type": "human", "content": "Hi"}]})) == "Hi"


def test_the_preview_of_anything_else_is_its_json() -> None:
    assert preview('{"a": 1, "b": [true]}') == '{"a": 1, "b": [true]}'
    assert preview("null") == "null"
    assert preview(None) == ""
    assert preview("x" * 500) == "x" * 119 + "…"
