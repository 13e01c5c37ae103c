"""The one place where text that somebody else wrote is made harmless for where it is shown.

Each function takes any text and returns text that its reader shows, and never obeys.
"""

from __future__ import annotations

import re

# C0 but tab and newline, DEL, C1, the line separators, bidi controls, zero-width joiners, byte-order marks, what XML
# cannot hold, lone surrogates and the tag block: nothing of it has a shape of its own, all of it changes what is
# around it.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_BREAK = re.compile("\r\n|[\r\n]")


def _name(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def text(value: str) -> str:
    """For a terminal or a log: controls and invisible characters are written out, tabs and newlines stay."""
    return UNSEEN.sub(_name, value)


def line(value: str) -> str:
    """As ``text``, on one physical line."""
    return text(value.replace("\r\n", "\n")).replace("\n", "\\n").replace("\t", "\\t")


def log(value: str) -> str:
    """One line of a GitHub Actions log that holds no workflow command.

    The runner finds ``##[`` anywhere in a line and ``::`` at its start (reference: actions/runner
    ActionCommand.cs), so the first is broken up and the second pushed off the start.
    """
    shown = line(value).replace("##[", "#\\x23[")
    start = len(shown) - len(shown.lstrip())
    return f"{shown[:start]}\\x3a{shown[start + 1 :]}" if shown.startswith("::", start) else shown


def annotation_data(value: str) -> str:
    """The message of a workflow command."""
    shown = text(value).replace("##[", "#\\x23[")
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def annotation_property(value: str) -> str:
    """A property of a workflow command (``file=``, ``title=``)."""
    return annotation_data(value).replace(":", "%3A").replace(",", "%2C")


def code(value: str, limit: int = 200) -> str:
    """A Markdown code span that nothing inside can end; long text is cut to ``limit`` characters.

    The fence is one backtick longer than any run inside (CommonMark 6.1). Whoever puts it into a table escapes ``|``.
    """
    shown = line(re.sub(r"\s", " ", value)).replace("##[", "#\\x23[")
    if len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    if not shown or shown[0] in "` " or shown[-1] in "` ":
        shown = f" {shown} "
    return f"{fence}{shown}{fence}"


def json(document: str) -> str:
    """A JSON document whose texts hold no invisible character and no workflow command; it means what it meant."""
    import json as codec

    # outside its texts a document holds none of them
    return UNSEEN.sub(lambda match: codec.dumps(match.group())[1:-1], document).replace("##[", "#\\u0023[")


def xml(value: str) -> str:
    """Text for an XML document: what XML 1.0 cannot carry is written out; the writer escapes the markup."""
    return UNSEEN.sub(_name, value)
