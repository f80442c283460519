"""Data to evaluate comes in many forms, and a bad file names its row and column."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import tracekit
from tracekit.errors import DatasetError
from tracekit.evaluation.reading import read_rows
from tracekit.evaluation.rows import Row

CASES: list[dict[str, Any]] = [
    {"inputs": {"question": "2+2?"}, "expectations": {"expected_response": "4"}},
    {"inputs": {"question": "3+3?"}, "expectations": {"expected_response": "6"}},
]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def csv_file(folder: Path) -> Path:
    text = 'question,ground_truth\n2+2?,4\n"3+3?",6\n'
    return written(folder, "cases.csv", text)


def json_lines(folder: Path) -> Path:
    lines = [f'{{"question": "{n}+{n}?", "ground_truth": "{2 * n}"}}' for n in (2, 3)]
    return written(folder, "cases.jsonl", "\n\n".join(lines) + "\n")


def parquet(folder: Path) -> Path:
    path = folder / "cases.parquet"
    values = "VALUES ('2+2?', '4'), ('3+3?', '6')"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM ({values}) t(question, ground_truth)) TO '{path}'")
    return path


def in_a_list(folder: Path) -> list[dict[str, Any]]:
    return CASES


def in_a_frame(folder: Path) -> pd.DataFrame:
    return pd.DataFrame({"question": ["2+2?", "3+3?"], "ground_truth": ["4", "6"]})


@pytest.mark.parametrize("make", [in_a_list, in_a_frame, csv_file, json_lines, parquet])
def test_the_same_cases_in_every_form_are_the_same_dataset(make: Any, tmp_path: Path) -> None:
    rows, listed = read_rows(make(tmp_path)), read_rows(CASES)
    assert [row.inputs for row in rows] == [{"question": "2+2?"}, {"question": "3+3?"}]
    assert [row.expectations for row in rows] == [row.expectations for row in listed]
    assert rows.digest == listed.digest


def test_the_digest_is_of_the_content_and_not_of_the_order() -> None:
    assert read_rows(CASES).digest == read_rows(CASES[::-1]).digest
    changed = [CASES[0], {**CASES[1], "expectations": {"expected_response": "7"}}]
    assert read_rows(changed).digest != read_rows(CASES).digest
    answered = [{**case, "outputs": "4"} for case in CASES]
    assert read_rows(answered).digest == read_rows(CASES).digest


def test_rows_of_the_same_inputs_stay_apart() -> None:
    ids = [row.row_id for row in read_rows([CASES[0]] * 3)]
    assert len(set(ids)) == 3
    assert ids[1] == f"{ids[0]}-2"


def test_columns_can_be_mapped() -> None:
    data = [{"prompt": "hi", "answer": "hello", "gold": "hey", "source": "x", "lang": "en"}]
    columns = {
        "prompt": "inputs",
        "answer": "outputs",
        "gold": "expectations.expected_response",
        "source": "ignore",
        "lang": "group",
    }
    [row] = read_rows(data, columns)
    assert row.inputs == {"prompt": "hi"}
    assert (row.outputs, row.group) == ("hello", "en")
    assert row.expectations == {"expected_response": "hey"}


def test_what_is_missing_in_a_frame_is_missing_in_the_row() -> None:
    frame = pd.DataFrame({"question": ["a", "b"], "outputs": [np.nan, "x"], "n": [1, 2]})
    rows = read_rows(frame)
    assert [row.outputs for row in rows] == [None, "x"]
    assert rows[1].inputs == {"question": "b", "n": 2}


@pytest.mark.parametrize("output", [0, False, "", [], {}])
def test_an_output_that_is_empty_is_an_output(output: object) -> None:
    [row] = read_rows([{"question": "a", "outputs": output}])
    assert row.outputs == output
    assert type(row.outputs) is type(output)


BAD = [
    ("cases.csv", "a,b\n1,2\n1,2,3\n", r"cases.csv:3: this row has more cells than the 2 column"),
    ("cases.csv", 'a,tags\n1,"x"\n', r"cases.csv:2: column 'tags' must be an object .*'x'"),
    ("cases.jsonl", '{"a": 1}\n{"a": \n', r"cases.jsonl:2: not JSON"),
    ("cases.jsonl", "[1]\n", r"cases.jsonl:1: expected an object with `inputs`, got '\[1\]'"),
    ("cases.jsonl", '{"outputs": 3}\n', r"cases.jsonl:1: this row has no inputs and no id"),
    ("cases.json", '{"a": 1}', r"cases.json: expected a JSON array of rows"),
    ("cases.jsonl", "\n", r"cases.jsonl has no rows"),
    ("cases.parquet", "PAR2", r"cases.parquet is no Parquet file"),
    ("cases.xlsx", "x", r"cases.xlsx is no file that can be read as data: give one of .csv"),
]


@pytest.mark.parametrize(("name", "text", "said"), BAD)
def test_a_bad_file_says_where_and_why(name: str, text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=said):
        read_rows(written(tmp_path, name, text))


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no file"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"a\n\xff\n")
    with pytest.raises(DatasetError, match="is not UTF-8 text"):
        read_rows(tmp_path / "latin.csv")


@pytest.mark.parametrize("data", [3, {"inputs": 1}, None])
def test_what_has_no_rows_is_refused(data: object) -> None:
    with pytest.raises(DatasetError, match="which has no rows: give a list of dicts"):
        read_rows(data)


@pytest.mark.usefixtures("store")
def test_recorded_traces_are_rows() -> None:
    for n in range(2):
        with tracekit.start_span("answer") as span:
            span.set_inputs({"question": n})
            with tracekit.start_span("find", span_type="retriever") as found:
                found.set_outputs([f"text {n}"])
            span.set_outputs(f"answer {n}")
    frame = tracekit.search_traces(order_by=["start_time ASC"])
    of_frame = list(read_rows(frame))
    traces = [tracekit.get_trace(trace_id) for trace_id in frame["trace_id"]]
    of_traces = list(read_rows(traces))
    assert [row.inputs for row in of_frame] == [{"question": 0}, {"question": 1}]
    assert [row.outputs for row in of_traces] == ["answer 0", "answer 1"]
    assert [row.trace_id for row in of_frame] == [row.row_id for row in of_traces]
    assert of_traces[1].context == ["text 1"]


def test_many_rows_are_read_in_any_order_from_disk() -> None:
    rows = read_rows({"inputs": {"text": "x" * 1000, "n": n}} for n in range(50_000))
    assert [rows[n].inputs["n"] for n in (49_999, 0, 25_000)] == [49_999, 0, 25_000]
    with pytest.raises(IndexError):
        rows[50_000]


def test_rows_pass_through() -> None:
    rows = read_rows([Row(row_id="a", inputs={"x": 1})])
    assert read_rows(rows) is rows
