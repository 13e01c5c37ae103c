"""Files that were written for other tools: two readings make a text of a scalar, and everything else stays refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.document import read
from mlci.findings import InvalidFile
from mlci.reader import MAX_BYTES, MAX_DEPTH, MAX_NODES


def data(text: str, path: str = "contract.yaml") -> Any:
    return read(text.encode(), path, foreign=True).data


@pytest.mark.parametrize(
    "text",
    [
        "2022-10-03", "2022-05-12T09:30:10-08:00", "yes", "no", "NO", "on", "off", "Yes", "010", "0x1F", "1_000", "1e3",
        "+1", ".5", "5.", "1:30", ".inf", ".nan", "=", "1234567890123456789",
    ],
)  # fmt: skip
def test_a_scalar_with_two_readings_is_text(text: str) -> None:
    with pytest.raises(InvalidFile):
        read(f"a: {text}".encode(), "model.yaml")
    assert data(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("True", True), ("TRUE", True), ("False", False), ("Null", None), ("NULL", None), ("true", True), ("~", None),
     ("1", 1), ("0.5", 0.5), ("'no'", "no")],
)  # fmt: skip
def test_what_every_yaml_reads_alike_is_read_so(text: str, value: Any) -> None:
    assert data(f"a: {text}") == {"a": value}


@pytest.mark.parametrize("key", ["2022-10-03", "no", "1", "1.5", "010", "true"])
def test_every_key_is_text(key: str) -> None:
    assert data(f"{key}: 1") == {key: 1}


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1", "a: *x", "a: &x [1]\nb: *x", "a: !!str 1", "<<: {a: 1}", "a: {<<: b}", "? [a]\n: 1", ": 1", "~: 1",
        "a: 1\na: 2", "__proto__: 1", "%YAML 1.2\n---\na: 1", "a: 1\n---\nb: 1", "", "a: [", "a: '\\x07'\nb: \"\\x07\"",
        "a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "a: [" + "1, " * MAX_NODES + "]", "# " + "x" * MAX_BYTES,
        "a: \u202eb",
    ],
    ids=lambda text: ascii(text)[:24],
)  # fmt: skip
def test_bounds_and_graphs_stay_refused(text: str) -> None:
    with pytest.raises(InvalidFile):
        data(text)


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1, "a": 2}', '{"a": 12345678901234567890}', '{"a": yes}'])
def test_json_is_as_strict_as_ever(text: str) -> None:
    with pytest.raises(InvalidFile):
        data(text, "suite.json")


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = data(f"a:\n  - {text}")
    except InvalidFile:
        return
    assert isinstance(found, dict)


@given(st.text(max_size=60))
def test_what_the_strict_reader_reads_is_read_the_same(text: str) -> None:
    raw = f"a: {text}".encode("utf-8", "surrogatepass")
    try:
        strict = read(raw, "model.yaml").data
    except InvalidFile:
        return
    assert read(raw, "model.yaml", foreign=True).data == strict
