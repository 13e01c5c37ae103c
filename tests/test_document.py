from __future__ import annotations

import json
import math
import tracemalloc
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mlci import document
from mlci.document import read
from mlci.escape import UNSEEN
from mlci.findings import Finding, InvalidFile, Level
from mlci.places import Location
from mlci.reader import MAX_BYTES, MAX_DEPTH, MAX_FINDINGS, MAX_NODES, show

VALID = b"""\
version: 1
name: demo
description: "Says \\u2603, 'twice'"
datasets:
  test: {path: data/test.csv, key: [a, b]}
checks:
- metric: {data: test, name: accuracy, min: 0.9}
- rows:
    min: 10
text: |
  two
  lines
"""


def data(text: str | bytes, path: str = "model.yaml") -> Any:
    return read(text.encode() if isinstance(text, str) else text, path).data


def attempt(text: str | bytes, path: str = "model.yaml") -> tuple[Any, tuple[Finding, ...]]:
    """What is read, or what is wrong; nothing else may come of any file."""
    try:
        return data(text, path), ()
    except InvalidFile as error:
        found = error.findings
    assert 1 <= len(found) <= MAX_FINDINGS
    for finding in found:
        assert finding.level is Level.ERROR
        assert finding.at is not None
        assert finding.at.path == path
        assert (finding.at.line or 0) > 0
        assert (finding.at.column or 0) > 0
        assert 0 < len(finding.message) < 300
        assert len(finding.hint) < 300
        assert not UNSEEN.search(finding.message + finding.hint)
        assert "\n" not in finding.message + finding.hint
    return None, found


def findings(text: str | bytes, path: str = "model.yaml") -> tuple[Finding, ...]:
    _, found = attempt(text, path)
    assert found, "it was read"
    return found


def only(text: str | bytes, path: str = "model.yaml") -> Finding:
    (finding,) = findings(text, path)
    return finding


def place(finding: Finding) -> tuple[int | None, int | None]:
    assert finding.at is not None
    return finding.at.line, finding.at.column


# What is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("1", 1),
        ("-17", -17),
        ("0", 0),
        ("999999999999999999", 999999999999999999),
        ("0.25", 0.25),
        ("-0.5", -0.5),
        ("1.0e-3", 0.001),
        ("2.5E+4", 25000.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("y", "y"),
        ("n", "n"),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("--", "--"),
        (".", "."),
        ("+", "+"),
        ("1a", "1a"),
        ("12 34", "12 34"),
        ("2024-13", "2024-13"),
        ("2024-01-01x", "2024-01-01x"),
        ("200ms", "200ms"),
        ("0.1%", "0.1%"),
        ("0x", "0x"),
        ("0b", "0b"),
        ("e5", "e5"),
        ("nan", "nan"),
        ("infinity", "infinity"),
        ("truex", "truex"),
        ("NONE", "NONE"),
        ("==", "=="),
        ("héllo 世界 🙂", "héllo 世界 🙂"),
        ("'no'", "no"),
        ('"010"', "010"),
        ("'2024-01-01'", "2024-01-01"),
        ("''", ""),
        ('"a\\tb\\nc"', "a\tb\nc"),
        ('"\\u00e9"', "é"),
        ("'{{ 7*7 }}'", "{{ 7*7 }}"),
        ("$(touch x)", "$(touch x)"),
        ("${HOME}", "${HOME}"),
        ("+ADw-script+AD4-", "+ADw-script+AD4-"),
        ("|-\n  no\n  010", "no\n010"),
        (">\n  a\n  b", "a b\n"),
        ("a\n  b", "a b"),
        ("[]", []),
        ("{}", {}),
        ("[1, [2, {a: b}]]", [1, [2, {"a": "b"}]]),
    ],
)
def test_a_value_is_read_as_both_versions_of_yaml_read_it(text: str, expected: object) -> None:
    found = data(f"key: {text}\n")["key"]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("key", ["on", "no", "y", "Yes", "True", "x-1", "'1'", '"null"', "a b", "é"])
def test_a_word_is_a_key(key: str) -> None:
    assert data(f"{key}: 1") == {key.strip("'\""): 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('"x"', "x"),
        ("[]", []),
        ("[true, false, null]", [True, False, None]),
        ("-1.5E+2", -150.0),
        ("1e3", 1000.0),
        ("0", 0),
        ("-0.0", 0.0),
        ("9223372036854775807", 2**63 - 1),
        (' \t\r\n{ "a" : [ 1 , 2 ] } \n', {"a": [1, 2]}),
        ('{"no": "no", "": 010}'.replace("010", "10"), {"no": "no", "": 10}),
        ('"\\ud83d\\ude42"', "🙂"),
        ('"a\\/b\\n"', "a/b\n"),
        ('{"constructor": {"prototype": {}}}', {"constructor": {"prototype": {}}}),
    ],
)
def test_json_is_read_as_json(text: str, expected: object) -> None:
    assert data(text, "a.json") == expected


@pytest.mark.parametrize("path", ["model.yaml", "model.json"])
@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_the_ends_of_lines_and_a_byte_order_mark_mean_nothing(path: str, prefix: bytes, end: bytes) -> None:
    assert data(prefix + end.join([b"{", b'"a":', b'"b"', b"}"]), path) == {"a": "b"}


def test_a_file_of_the_largest_size_is_read() -> None:
    text = "a: 1\n#"
    assert data(text + "x" * (MAX_BYTES - len(text))) == {"a": 1}


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_a_file_of_the_greatest_depth_is_read(path: str) -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert data(json.dumps(deep), path) == deep


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_a_file_of_the_greatest_number_of_values_is_read(path: str) -> None:
    assert len(data(json.dumps([0] * (MAX_NODES - 1)), path)) == MAX_NODES - 1


# Places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pointer", "key", "expected"),
    [
        ((), False, (1, 1)),
        (("name",), False, (2, 7)),
        (("name",), True, (2, 1)),
        (("datasets", "test"), False, (5, 9)),
        (("datasets", "test"), True, (5, 3)),
        (("datasets", "test", "key", 1), False, (5, 40)),
        (("checks", 0), False, (7, 3)),
        (("checks", 0, "metric", "min"), True, (7, 40)),
        (("checks", 0, "metric", "min"), False, (7, 45)),
        (("checks", 1, "rows", "min"), False, (9, 10)),
        (("text",), False, (10, 7)),
    ],
)
def test_every_key_and_value_has_its_place(pointer: tuple[Any, ...], key: bool, expected: tuple[int, int]) -> None:
    assert read(VALID, "model.yaml").at(*pointer, key=key) == Location("model.yaml", *expected)


@pytest.mark.parametrize(
    ("pointer", "key", "expected"),
    [
        (("name", "deeper"), False, (2, 7)),
        (("nothing",), True, (1, 1)),
        (("checks", 7), False, (7, 1)),
        (("checks", 1, "rows", "max"), True, (8, 3)),
    ],
)
def test_what_is_not_there_has_the_place_of_what_is_around_it(
    pointer: tuple[Any, ...], key: bool, expected: tuple[int, int]
) -> None:
    assert read(VALID, "model.yaml").at(*pointer, key=key) == Location("model.yaml", *expected)


def test_a_document_without_places_is_its_file() -> None:
    assert document.Document("a.json", {"a": 1}).at("a") == Location("a.json")


def test_json_has_the_same_places_as_yaml() -> None:
    text = b'{"a": [1,\n  {"b": "c"}],\n "d": {}}'
    as_json, as_yaml = read(text, "x.json"), read(text, "x.yaml")
    assert (as_json.values, as_json.keys) == (as_yaml.values, as_yaml.keys)
    assert as_json.at("a", 1, "b").line == 2


def test_columns_count_letters_and_not_bytes() -> None:
    assert read("{é: 世界, b: 1}".encode(), "a.yaml").at("b") == Location("a.yaml", 1, 12)
    assert read('{"é": "世界", "b": 1}'.encode(), "a.json").at("b") == Location("a.json", 1, 18)


# What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "says", "cure"),
    [
        ("no", "`no` is read as false by YAML 1.1", 'quote it ("no") if it is text, write false if it is not'),
        ("NO", "read as false", "write false"),
        ("off", "read as false", "write false"),
        ("Yes", "read as true", "write true"),
        ("on", "read as true", "write true"),
        ("TRUE", "read as true", "write true"),
        ("False", "read as false", "write false"),
        ("Null", "read as null", "write null"),
        ("NULL", "read as null", "write null"),
        ("=", "a meaning of its own", 'quote it ("=")'),
        ("010", "a number in one version", "in plain decimals"),
        ("0o17", "a number in one version", 'quote it ("0o17")'),
        ("0x1F", "a number in one version", 'quote it ("0x1F")'),
        ("0b11", "a number in one version", 'quote it ("0b11")'),
        ("1_000", "a number in one version", "such as 1000"),
        ("+1", "a number in one version", "quote it"),
        (".5", "a number in one version", "quote it"),
        ("5.", "a number in one version", "quote it"),
        ("1e3", "a number in one version", "such as 1000 or 1.0e-3"),
        ("1e-3", "a number in one version", "such as 1000 or 1.0e-3"),
        ("1.5e3", "a number in one version", "such as 1000 or 1.0e-3"),
        ("1234e56", "a number in one version", 'quote it ("1234e56")'),
        ("0e12345", "a number in one version", 'quote it ("0e12345")'),
        ("1234567890123456789", "a number in one version", "quote it"),
        ("0x" + "f" * 9000, "a number in one version", "quote it if it is text"),
        ("1:30", "to the base 60", 'quote it ("1:30")'),
        ("22:22:22.5", "to the base 60", "quote it"),
        ("-1:00", "to the base 60", "quote it"),
        ("2024-01-01", "read as a date", 'quote it ("2024-01-01")'),
        ("2024-1-1", "read as a date", "quote it"),
        ("2001-12-14t21:59:43.10-05:00", "read as a date", "quote it"),
        ("2001-12-14 21:59:43.10 -5", "read as a date", "quote it"),
        ("2001-12-14\t21:59:43", "read as a date", "quote it"),
        (".inf", "must be finite", "leave the limit out"),
        ("-.INF", "must be finite", "leave the limit out"),
        ("+.Inf", "must be finite", "leave the limit out"),
        (".NaN", "must be finite", "leave the limit out"),
        ("1.0e+999", "must be finite", "quote it"),
        ("-1.0e+400", "must be finite", "quote it"),
    ],
)
def test_a_value_that_has_two_readings_is_refused_with_its_place_and_its_cure(value: str, says: str, cure: str) -> None:
    finding = only(f"ok: 1\nkey:   {value}\n")
    assert place(finding) == (2, 8)
    assert says in finding.message
    assert cure in finding.hint


@pytest.mark.parametrize(
    "key", ["1", "1.5", "true", "false", "null", "~", "", "010", "1:30", "2024-01-01", ".nan", "="]
)
def test_a_key_that_is_no_text_is_refused(key: str) -> None:
    finding = only(f"a: 1\n? {key}\n: 2\n")
    assert finding.message == f"the key `{key}` is not text"
    assert finding.hint == f'quote it ("{key}")'
    assert finding.at is not None
    assert finding.at.line == 2


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("a: &x 1", (1, 4), "the anchor `&x` is not read"),
        ("&r\na: 1", (1, 1), "the anchor `&r`"),
        ("a: *x", (1, 4), "the alias `*x` is not read"),
        ("a: [1, *a]", (1, 8), "the alias"),
        ("a:\n  <<: {b: 1}", (2, 3), "the merge key `<<` is not read"),
        ("a: !!str 1", (1, 4), "the tag `tag:yaml.org,2002:str` is not read"),
        ("a: ! x", (1, 4), "the tag `!` is not read"),
        ("a: !include /etc/passwd", (1, 4), "the tag `!include`"),
        ("a: !<x:y> z", (1, 4), "the tag `x:y`"),
        ("!!map\na: 1", (1, 1), "the tag"),
        ("a: !!python/object/apply:os.system ['touch x']", (1, 4), "the tag"),
        ("a: !!set {b, c}", (1, 4), "the tag"),
        ("a: !!binary aGk=", (1, 4), "the tag"),
        ("!!str a: 1", (1, 1), "the tag"),
        ("%YAML 1.1\n---\na: 1", (1, 1), "a YAML directive is not read"),
        ("# c\n%TAG ! tag:x,1:\n---\na: !y z", (2, 1), "a YAML directive is not read"),
        ("a: 1\n...\n%YAML 1.2\n---\nb: 1", (3, 1), "a YAML directive is not read"),
        ("a: 1\n---\nb: 2", (2, 1), "a second document begins here"),
        ("a: 1\n...\nb: 2", (3, 1), "this is not YAML"),
        ("a: 1\n---\n", (2, 1), "a second document begins here"),
        ("? [a]\n: 1", (1, 3), "a key must be plain text"),
        ("{a: 1}: 2", (1, 1), "a key must be plain text"),
        ("", (1, 1), "the file is empty"),
        ("# nothing\n\n", (1, 1), "the file is empty"),
        ("a:\n\tb: 1", (2, 1), "this is not YAML"),
        ("a: [1, 2\n", (2, 1), "this is not YAML"),
        ("a: 1\n  b: 2", (2, 4), "this is not YAML"),
        ('a: "x', (1, 6), "this is not YAML"),
        ("a: b: c", (1, 5), "this is not YAML"),
        ("a: @x", (1, 4), "this is not YAML"),
        ('a: "\\q"', (1, 5), "this is not YAML"),
        ("- a\nb: c", (2, 1), "this is not YAML"),
        ("a: 1\n__proto__: {}", (2, 1), "the key `__proto__`"),
    ],
)
def test_a_construct_that_is_not_read_is_refused_with_its_place(text: str, at: tuple[int, int], says: str) -> None:
    finding = findings(text)[0]
    assert says in finding.message
    assert place(finding) == at


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", (1, 1), "the file is empty"),
        (" \n", (2, 1), "the file is empty"),
        ('{"a": 1} {"b": 2}', (1, 10), "something follows the end"),
        ("{}\n{}", (2, 1), "something follows the end"),
        ('{"a": 1, "\\u0061": 2}', (1, 10), "duplicate key `a`: it stands at line 1 already"),
        ('{"a": NaN}', (1, 7), "a number must be finite"),
        ("[-Infinity]", (1, 2), "a number must be finite"),
        ('{"n": 1e400}', (1, 7), "a number must be finite"),
        ("9" * 5000, (1, 1), "more digits than a number can hold"),
        ("[1,]", (1, 4), "where a value should stand"),
        ('{"a": 1,}', (1, 9), "a key must be in double quotes"),
        ("{a: 1}", (1, 2), "a key must be in double quotes"),
        ("{'a': 1}", (1, 2), "a key must be in double quotes"),
        ('{"a" 1}', (1, 6), "expected `:`, found `1`"),
        ("[1 2]", (1, 4), "expected `,`, found `2`"),
        ('{"a": 1', (1, 8), "expected `,`, found `the end of the file`"),
        ("[", (1, 2), "found `the end of the file` where a value should stand"),
        ("// c\n{}", (1, 1), "where a value should stand"),
        ("{} /* c */", (1, 4), "something follows the end"),
        ("[01]", (1, 3), "expected `,`"),
        ("[+1]", (1, 2), "where a value should stand"),
        ("[.5]", (1, 2), "where a value should stand"),
        ("[1.]", (1, 3), "expected `,`"),
        ("[0x1]", (1, 3), "expected `,`"),
        ("truex", (1, 5), "something follows the end"),
        ("True", (1, 1), "where a value should stand"),
        ('"a\nb"', (1, 3), "this is not JSON: Invalid control character"),
        ('"a', (1, 1), "this is not JSON: Unterminated string"),
        ('"\\x41"', (1, 2), "this is not JSON: Invalid \\escape"),
        ('{"__proto__": {}}', (1, 2), "the key `__proto__`"),
        ('{"a": "\\ud800"}', (1, 7), "an escape puts the control or invisible character U+D800 here"),
        ('{"a": "\\u0000"}', (1, 7), "U+0000"),
        ('{"\\u202e": 1}', (1, 2), "U+202E"),
    ],
)
def test_json_that_is_none_is_refused_with_its_place(text: str, at: tuple[int, int], says: str) -> None:
    finding = findings(text, "a.json")[0]
    assert says in finding.message
    assert place(finding) == at


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "a: 1\n'a': 2", 'a: 1\n"\\x61": 2', "a: 1\n? a\n: 2"], ids=["plain", "single", "escape", "?"]
)
def test_a_key_that_stands_twice_is_refused_with_both_its_lines(text: str) -> None:
    finding = only(text)
    assert finding.message == "duplicate key `a`: it stands at line 1 already"
    assert finding.at is not None
    assert finding.at.line == 2


def test_the_same_key_in_two_mappings_is_none_that_stands_twice() -> None:
    assert data("a: {b: 1}\nc: [{b: 2}, {b: 3}]") == {"a": {"b": 1}, "c": [{"b": 2}, {"b": 3}]}


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
@pytest.mark.parametrize(
    "code",
    [
        *(
            0x00,
            0x07,
            0x08,
            0x0B,
            0x0C,
            0x0D,
            0x1B,
            0x1F,
            0x7F,
            0x80,
            0x85,
            0x9B,
            0x061C,
            0x200B,
            0x200D,
            0x200E,
            0x2028,
        ),
        *(0x2029, 0x202A, 0x202E, 0x2060, 0x2066, 0x2069, 0xFEFF, 0xFFF9, 0xFFFE, 0xFFFF, 0xE0041),
    ],
    ids=lambda code: f"U+{code:04X}",
)
def test_an_invisible_character_is_refused_at_its_place(path: str, code: int) -> None:
    finding = findings(f'{{\n"a": "x{chr(code)}y"}}', path)[0]
    assert finding.message == f"U+{code:04X} is a control or invisible character"
    assert place(finding) == (2, 8)


@pytest.mark.parametrize(
    "escape", ["\\0", "\\e", "\\x9b", "\\N", "\\L", "\\u202e", "\\u200b", "\\ufeff", "\\U000e0041"]
)
def test_an_escape_does_not_bring_an_invisible_character_into_a_text(escape: str) -> None:
    finding = only(f'a: "x{escape}y"')
    assert "an escape puts the control or invisible character U+" in finding.message
    assert place(finding) == (1, 4)


def test_an_escape_does_not_bring_an_invisible_character_into_a_key() -> None:
    assert "U+001B" in only('"\\e[2J": 1').message


@pytest.mark.parametrize(
    ("raw", "at", "byte"),
    [
        (b"a: \xff", (1, 4), "0xff"),
        (b"a: 1\nb: caf\xe9\n", (2, 7), "0xe9"),
        ("é: ".encode() + b"\xc0\xaf", (1, 4), "0xc0"),
        (b"a: \xed\xa0\x80", (1, 4), "0xed"),
        (b"a: \xf5\x80\x80\x80", (1, 4), "0xf5"),
        (b"a: \xe2\x82", (1, 4), "0xe2"),
        ("a: 1".encode("utf-16"), (1, 1), "0xff"),
        (b"\xfe\xff\0a", (1, 1), "0xfe"),
    ],
)
def test_bytes_that_are_not_utf8_are_refused_at_the_first(raw: bytes, at: tuple[int, int], byte: str) -> None:
    finding = only(raw)
    assert finding.message == f"byte {byte} is not UTF-8"
    assert place(finding) == at


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_another_encoding_is_refused(encoding: str) -> None:
    assert findings("name: demo\n".encode(encoding))


def test_a_carriage_return_alone_ends_no_line() -> None:
    assert "U+000D" in findings(b"a: 1\rb: 2\r")[0].message


# Bounds -----------------------------------------------------------------------------------------------------------

LONG = 400_000
HOSTILE = {
    "a text that begins like a number": f"a: {'1' * LONG}x",
    "underlines after a digit": f"a: 1{'_' * LONG}x",
    "digits": f"a: {'1' * LONG}",
    "digits after the point": f"a: 0.{'1' * LONG}",
    "an exponent of digits": f"a: 1e{'1' * LONG}",
    "a number to the base 16": f"a: 0x{'f' * LONG}",
    "a number to the base 60": f"a: 1{':1' * (LONG // 2)}x",
    "a date and more": f"a: 2024-01-01 {'1' * LONG}",
    "a key of digits": f"? {'1' * LONG}\n: 1",
    "signs": f"a: {'-' * LONG}",
    "points": f"a: 1{'.' * LONG}",
    "directives": "".join(f"%TAG !{i}! b\n" for i in range(60_000)) + "---\na: 1\n",
    "directives after the document": "a: 1\n...\n" + "".join(f"%TAG !{i}! b\n" for i in range(60_000)) + "---\n",
    "lists in lists": "[" * LONG,
    "mappings in mappings": "{a: " * (LONG // 4),
    "dashes in a row": "- " * (LONG // 2),
    "question marks in a row": "? " * (LONG // 2),
    "stairs": "".join(" " * level + "a:\n" for level in range(900)),
    "keys": "".join(f"k{i}: 1\n" for i in range(60_000)),
    "one key": "k: 1\n" * 100_000,
    "nulls": f"a: [{'~,' * (LONG // 2)}]",
    "anchors": f"a: {'&a ' * (LONG // 3)}",
    "aliases": f"a: [{'*a,' * (LONG // 3)}]",
    "tags": f"a: {'!a ' * (LONG // 3)}",
    "a long tag": f"a: !{'%41' * (LONG // 3)} x",
    "documents": "---\n" * (LONG // 4),
    "ends of documents": "...\n" * (LONG // 4),
    "comments": "#\n" * (LONG // 2),
    "empty lines": "\n" * LONG,
    "carriage returns": "\r" * LONG,
    "spaces": f"{' ' * LONG}a: 1",
    "tabs": "\t" * LONG,
    "quotes": '"' * LONG,
    "a quote that never ends": f'a: "{"x" * LONG}',
    "backslashes": f'a: "{chr(92) * LONG}',
    "escapes": 'a: "' + "\\x41" * (LONG // 4) + '"',
    "zero width": "a: " + "\u200b" * (LONG // 3),
    "a folded text": "a: b\n" + "  b\n" * (LONG // 4),
    "an empty block": "a: |\n" + "\n" * LONG,
    "a long key": f"? {'a' * LONG}\n: 1",
    "laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_is_slow_or_large_to_read(text: str) -> None:
    # what is quadratic here takes minutes, and whoever runs the suite sees it; memory is counted
    tracemalloc.start()
    attempt(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


HOSTILE_JSON = {
    "lists": "[" * LONG,
    "mappings": '{"a":' * (LONG // 5),
    "digits": "1" * LONG,
    "digits after the point": f"1.{'1' * LONG}",
    "an exponent": f"1e{'1' * LONG}",
    "a text that never ends": f'"{"a" * LONG}',
    "signs": "-" * LONG,
    "spaces": " " * LONG,
    "lines": "\n" * LONG + "[",
    "items": f"[{'1,' * (LONG // 2)}1]",
    "keys": "{" + ",".join(f'"{i}":1' for i in range(60_000)) + "}",
    "one key": "{" + ",".join('"a":1' for _ in range(60_000)) + "}",
    "lone surrogates": "[" + ",".join('"\\ud800"' for _ in range(40_000)) + "]",
}


@pytest.mark.parametrize("text", HOSTILE_JSON.values(), ids=HOSTILE_JSON)
def test_no_json_is_slow_to_read(text: str) -> None:
    attempt(text, "a.json")


def test_a_file_over_the_size_is_refused_unread() -> None:
    assert only(b"\xff" * (MAX_BYTES + 1)).message == "the file has 1,048,577 bytes; at most 1,048,576 are read"


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_a_file_over_the_depth_is_refused_where_it_is(path: str) -> None:
    finding = only("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), path)
    assert finding.message == "nested more than 32 levels deep"
    assert place(finding) == (1, MAX_DEPTH + 2)


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_a_file_over_the_number_of_values_is_refused_where_it_is(path: str) -> None:
    finding = only("[\n" + ",\n".join("0" for _ in range(MAX_NODES)) + "]", path)
    assert finding.message == "the file has more than 20,000 values"
    assert place(finding) == (MAX_NODES + 1, 1)


def test_at_most_so_many_findings_are_told() -> None:
    assert len(findings("".join(f"k{i}: no\n" for i in range(MAX_FINDINGS * 2)))) == MAX_FINDINGS


def test_findings_are_told_in_the_order_of_the_file() -> None:
    found = findings("a: no\nb: 010\na: .inf\n")
    assert [place(finding) for finding in found] == [(1, 4), (2, 4), (3, 1), (3, 4)]


def test_the_error_says_what_the_first_finding_says() -> None:
    with pytest.raises(InvalidFile) as caught:
        data("a: 1\nb: no")
    first = caught.value.findings[0]
    assert (caught.value.message, caught.value.hint, caught.value.at) == (first.message, first.hint, first.at)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a", "`a`"), ("a\nb\x1b", "`a\\nb\\x1b`"), ("x" * 61, f"`{'x' * 60}…`"), ("", "``")],
    ids=["plain", "controls", "long", "empty"],
)
def test_a_text_of_the_file_is_shown_on_one_short_line(text: str, shown: str) -> None:
    assert show(text) == shown


# Properties -------------------------------------------------------------------------------------------------------

seen = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"))
texts = st.text(seen, max_size=12)
keys = texts.filter(lambda key: key != "__proto__")
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64) | st.integers(-(10**17), 10**17)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    """Equal in value and in type, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def needs_quotes(value: Any) -> bool:
    """Whether PyYAML writes something plain that YAML 1.2 reads otherwise: a text such as 1e5, or the key no."""
    if isinstance(value, dict):
        return any(needs_quotes(key) or needs_quotes(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(map(needs_quotes, value))
    return isinstance(value, str) and any(c.isdigit() for c in value)


@given(values.filter(lambda value: not needs_quotes(value)), st.sampled_from([True, False, None]), st.booleans())
def test_what_a_yaml_library_writes_is_read_as_it_was(value: Any, flow: bool | None, wide: bool) -> None:
    written = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, width=10_000 if wide else 20)
    assert same(data(written), value)


@given(values, st.sampled_from([None, 1]), st.booleans())
def test_what_a_json_library_writes_is_read_as_it_was(value: Any, indent: int | None, ascii_only: bool) -> None:
    assert same(data(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "a.json"), value)


@given(values)
def test_every_value_that_is_read_has_a_place(value: Any) -> None:
    found = read(json.dumps(value).encode(), "a.json")

    def pointers(node: Any, pointer: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
        inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        return [pointer, *(deep for key, below in inner for deep in pointers(below, (*pointer, key)))]

    assert set(found.values) == set(pointers(value, ()))


scalars = st.text(st.sampled_from("0123456789+-._:eExXobTtZ infaNIFyslu~="), min_size=1, max_size=12)


@given(scalars.map(str.strip).filter(bool))
@example("1e5")
@example("0o7")
@example("-0")
@example("1:2")
@example("2001-1-1 1:1:1")
def test_what_is_read_plain_is_what_yaml_1_1_reads(scalar: str) -> None:
    found, wrong = attempt(f"[{scalar}]")
    assert wrong or same(found, yaml.safe_load(f"[{scalar}]"))


@given(st.from_regex(r"[-+]?[0-9_]{0,4}\.?[0-9_]{0,3}([eE][-+]?[0-9]{1,4})?", fullmatch=True))
def test_what_is_read_plain_as_a_number_is_what_json_reads(scalar: str) -> None:
    found, wrong = attempt(f"a: {scalar}")
    if not wrong and isinstance(found["a"], int | float):
        assert found["a"] == json.loads(scalar)
        assert math.isfinite(found["a"])


@given(st.binary(max_size=200), st.sampled_from(["a.yaml", "a.json"]))
def test_any_bytes_are_read_or_refused(raw: bytes, path: str) -> None:
    json.dumps(attempt(raw, path)[0], allow_nan=False)


@given(st.text(st.sampled_from("ab01:-?[]{},#&*!|>'\"%@` \n\t\\.<~=\u2028\u0085"), max_size=60))
def test_any_marks_of_yaml_are_read_or_refused(text: str) -> None:
    json.dumps(attempt(text)[0], allow_nan=False)


edits = st.lists(
    st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=5
)


@given(edits)
def test_a_manifest_with_bytes_changed_is_read_or_refused(changes: list[tuple[int, int, bytes]]) -> None:
    raw = VALID
    for start, length, instead in changes:
        raw = raw[:start] + instead + raw[start + length :]
    json.dumps(attempt(raw)[0], allow_nan=False)


@given(values, st.integers(0, 80), st.integers(0, 4), st.text(st.sampled_from('{}[]",:01.eE+-tfn \n\\u'), max_size=4))
def test_json_is_accepted_only_where_the_standard_library_does(value: Any, at: int, cut: int, instead: str) -> None:
    text = json.dumps(value)
    text = text[:at] + instead + text[at + cut :]
    found, wrong = attempt(text, "a.json")
    assert wrong or same(found, json.loads(text))
