from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape as markup
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlci import escape

C0 = "".join(map(chr, range(0x20)))
C1 = "".join(map(chr, range(0x7F, 0xA0)))
FUNCTIONS = [
    *(
        escape.text,
        escape.line,
        escape.log,
        escape.annotation_data,
        escape.annotation_property,
        escape.code,
        escape.xml,
    ),
]
any_text = st.text(st.characters(codec=None), max_size=40) | st.text(
    st.sampled_from("\x00\x07\x08\t\n\r\x1b\x7f\x85\x9b\u2028\u202e\u200b\ufeff\uffff\ud800\udcff::##[[%,`|\\ab "),
    max_size=40,
)

ATTACKS = {
    "clears the screen": "\x1b[2J\x1b[H",
    "sets the title": "\x1b]0;pwned\x07",
    "writes the clipboard": "\x1b]52;c;cHduZWQ=\x07",
    "hides a link": "\x1b]8;;https://example.org\x1b\\text\x1b]8;;\x1b\\",
    "asks the terminal": '\x1b[6n\x1b[c\x1bP$q"p\x1b\\',
    "rewrites with backspaces": "FAIL\x08\x08\x08\x08PASS",
    "rewrites the line": "FAIL\rPASS",
    "one byte controls": "\x9b2J\x9d0;t\x9c\x90x\x85",
    "hidden colour": "\x1b[8mhidden\x1b[0m",
    "another screen": "\x1b[?1049h\x1b[?1000h",
    "another alphabet": "\x1b(0\x0e",
    "full reset": "\x1bc",
    "moves up": "\x1b[1A\x1b[2K",
    "rings": "\x07" * 9,
    "feeds": "a\x0bb\x0cc",
    "turns around": "a\u202eb\u2066c\u2069\u200f",
    "no width": "a\u200b\u200c\u200d\u2060\ufeffb",
    "other ends of lines": "a\u0085b\u2028c\u2029d",
    "tags": "a\U000e0041\U000e007f",
    "bytes that are no text": b"\xff\xfe".decode("utf-8", "surrogateescape"),
    "a nul": "a\0b",
}


# Terminals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_nothing_that_a_reader_would_obey_is_left(function: Callable[[str], str], attack: str) -> None:
    shown = function(attack)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert not escape.UNSEEN.search(shown)
    shown.encode()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@given(value=any_text)
def test_no_text_at_all_is_obeyed(function: Callable[[str], str], value: str) -> None:
    assert not escape.UNSEEN.search(function(value))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("a\U000e0041", "a\\U000e0041"),
        ("\udcff", "\\udcff"),
        ("\r", "\\x0d"),
        ("a\tb\nc", "a\tb\nc"),
        ("é 世界 🙂", "é 世界 🙂"),
        ("", ""),
    ],
    ids=ascii,
)
def test_what_has_no_shape_is_written_out_in_text(value: str, shown: str) -> None:
    assert escape.text(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a\nb", "a\\nb"), ("a\r\nb", "a\\nb"), ("a\rb", "a\\x0db"), ("a\tb", "a\\tb"), ("a\x0bb\x0cc", "a\\x0bb\\x0cc")],
    ids=ascii,
)
def test_a_line_stays_on_one(value: str, shown: str) -> None:
    assert escape.line(value) == shown


@given(any_text)
def test_a_line_is_one_line_to_everybody(value: str) -> None:
    assert len(escape.line(value).splitlines()) <= 1


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])))
def test_what_can_be_seen_is_shown_as_it_is(value: str) -> None:
    assert escape.text(value) == escape.line(value) == escape.xml(value) == value


def test_every_control_and_every_character_that_xml_lacks_is_unseen() -> None:
    for code in [*range(0x9F + 1), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]:
        char = chr(code)
        is_control = unicodedata.category(char) in ("Cc", "Cs", "Cn") and char not in "\t\n"
        assert bool(escape.UNSEEN.match(char)) is is_control, hex(code)


@pytest.mark.parametrize("char", [*"aé世🙂 \u00a0\t\n", "\u0301", "\ufe0f"], ids=ascii)
def test_what_has_a_shape_is_not_unseen(char: str) -> None:
    assert not escape.UNSEEN.search(char)


# GitHub Actions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("  ::set-env name=a::b", "  \\x3a:set-env name=a::b"),
        ("\t::error::x", "\\t::error::x"),
        ("a\n::error::x", "a\\n::error::x"),
        ("##[error]x", "#\\x23[error]x"),
        ("a ##[group]b ##[c]", "a #\\x23[group]b #\\x23[c]"),
        ("path.yaml:1:2: error[x]: y", "path.yaml:1:2: error[x]: y"),
        ("a :: b", "a :: b"),
        (":", ":"),
    ],
    ids=ascii,
)
def test_a_line_of_a_log_holds_no_workflow_command(value: str, shown: str) -> None:
    assert escape.log(value) == shown


@given(any_text)
@example("\u2003::error::x")
@example("\x1c::error::x")
def test_no_line_of_a_log_is_a_workflow_command(value: str) -> None:
    shown = escape.log(value)
    assert "\n" not in shown
    assert "##[" not in shown
    assert not shown.strip().startswith("::")


@pytest.mark.parametrize(
    ("value", "data", "as_property"),
    [
        ("100%", "100%25", "100%25"),
        ("a\nb", "a%0Ab", "a%0Ab"),
        ("a\r\nb", "a\\x0d%0Ab", "a\\x0d%0Ab"),
        ("%0A::error::x", "%250A::error::x", "%250A%3A%3Aerror%3A%3Ax"),
        ("a,b:c", "a,b:c", "a%2Cb%3Ac"),
        ("##[x]", "#\\x23[x]", "#\\x23[x]"),
    ],
    ids=ascii,
)
def test_an_annotation_keeps_its_text_and_ends_where_it_ends(value: str, data: str, as_property: str) -> None:
    assert escape.annotation_data(value) == data
    assert escape.annotation_property(value) == as_property


def unescaped(value: str) -> str:
    """As the runner reads it back (actions/runner ActionCommand.cs)."""
    for code, char in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        value = value.replace(code, char)
    return value


@given(any_text)
def test_an_annotation_says_to_the_runner_what_a_terminal_shows(value: str) -> None:
    shown = escape.text(value).replace("##[", "#\\x23[")
    assert unescaped(escape.annotation_data(value)) == shown
    assert unescaped(escape.annotation_property(value)) == shown
    assert not set("\r\n:,") & set(escape.annotation_property(value))


# Markdown ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "`a`"),
        ("", "`  `"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("``a", "``` ``a ```"),
        ("a|b", "`a|b`"),
        (" a ", "`  a  `"),
        ("a\nb\tc", "`a b c`"),
        ("<script>", "`<script>`"),
        ("x" * 300, f"`{'x' * 199}…`"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_code_span_holds_its_text(value: str, shown: str) -> None:
    assert escape.code(value) == shown


@given(any_text | st.text("`|<>[]()!*_ \n", max_size=20), st.integers(1, 50))
def test_nothing_inside_a_code_span_ends_it(value: str, limit: int) -> None:
    shown = escape.code(value, limit)
    fence = re.match("`+", shown)
    assert fence
    inside = shown[fence.end() : -fence.end()]
    assert shown.endswith(fence.group())
    assert fence.end() not in {len(run) for run in re.findall("`+", inside)}
    assert not inside.startswith("`")
    assert not inside.endswith("`")
    assert "\n" not in shown
    assert len(inside) <= limit + 2


# JSON and XML -----------------------------------------------------------------------------------------------------


# two halves of a pair are one letter to whoever reads JSON; no file name holds them
whole = any_text.filter(lambda text: not re.search("[\ud800-\udbff][\udc00-\udfff]", text))


@given(st.recursive(whole | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(whole, inner), max_leaves=5))
@example({"\x9b##[error]": ["\u202e", "\ud800", "\U000e0041", "##[x", '"##["']})
def test_json_means_what_it_meant_and_shows_nothing_unseen(value: object) -> None:
    written = json.dumps(value, ensure_ascii=False, indent=1)
    shown = escape.json(written)
    assert json.loads(shown) == json.loads(written)
    assert not escape.UNSEEN.search(shown)
    assert "##[" not in shown


@given(any_text)
def test_xml_of_any_text_is_well_formed(value: str) -> None:
    from xml.etree import ElementTree

    shown = escape.xml(value)
    read = ElementTree.fromstring(f"<a b={quoteattr(shown)}>{markup(shown)}</a>")
    assert (read.text or "") == shown
    assert " ".join((read.get("b") or "").split()) == " ".join(shown.split())


# The command line -------------------------------------------------------------------------------------------------

ON_A_TERMINAL = """
import os, pty, sys
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.executable, [sys.executable, "-m", "mlci", *sys.argv[1:]])
out = b""
try:
    while part := os.read(master, 65536):
        out += part
except OSError:
    pass
os.waitpid(pid, 0)
sys.stdout.buffer.write(out)
"""


def on_a_terminal(folder: Path, *words: str) -> str:
    """What mlci prints where escapes act; without the carriage returns that the terminal adds itself."""
    done = subprocess.run([sys.executable, "-c", ON_A_TERMINAL, *words], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "attack", [ATTACKS["clears the screen"], ATTACKS["one byte controls"], "a\rb\x08\x1b]0;x\x07"], ids=ascii
)
def test_no_name_or_text_of_others_reaches_a_terminal_as_it_is(tmp_path: Path, attack: str) -> None:
    manifest = "version: 1\nname: a\nartifact: m\nchecks: [{metric: {data: t, name: accuracy, min: 9}}]\n"
    (tmp_path / f"{attack}.yaml").write_text(manifest)
    (tmp_path / "raw.yaml").write_text(attack)
    (tmp_path / "text.yaml").write_text(manifest + f"description: {json.dumps(attack)}\n{json.dumps(attack)}: 1\n")
    (tmp_path / "schema.json").write_text(json.dumps({"type": "object", "properties": {"name": {"const": attack}}}))
    for words in (
        ("validate", f"{attack}.yaml", "raw.yaml", "text.yaml", f"{attack}.missing"),
        ("validate", "--format", "json", f"{attack}.yaml", "raw.yaml"),
        ("validate", "--schema", "schema.json", f"{attack}.yaml"),
        ("validate", "--schema", f"{attack}.json", "raw.yaml"),
        (attack,),
        ("explain", attack),
        ("list", "models", attack),
        ("-C", attack, "list"),
    ):
        shown = on_a_terminal(tmp_path, *words)
        assert shown, words
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown), words
        assert "Traceback" not in shown, words
