"""RE2's patterns for engines of other families, where the same text would find something else."""

from __future__ import annotations

import re

SPARK = ("pyspark", "databricks")
"""The backends of ibis whose patterns are Java's."""

_ESCAPE = r"\\x\{[0-9A-Fa-f]+\}|\\[pP]\{[^}]*\}|\\."
_OUTSIDE = re.compile(rf"{_ESCAPE}|\(\?P<\w+>|\{{\d+(?:,\d*)?\}}|\[\^?\]?|.", re.DOTALL)
_INSIDE = re.compile(rf"{_ESCAPE}|\[:\w+:\]|.", re.DOTALL)
_SPACE = r"\t\n\f\r "
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\x0b\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


def java(pattern: str) -> str:
    """For ``java.util.regex`` (Spark): lines end with a newline only, and letters have two cases in every script."""
    return "(?du)" + re.sub(r"(\\[pP]\{)(?=\w{3})", r"\1Is", _translated(pattern, r"\z"))


def python(pattern: str) -> re.Pattern[str]:
    """For ``re``, which knows no classes of Unicode; letters have two cases in ASCII only. Raises re.error."""
    return re.compile(_translated(pattern, r"\Z"), re.ASCII)


def _translated(pattern: str, end: str) -> str:
    """The pattern with what RE2 reads in a way of its own written out.

    ``$`` is the end of the text, not the place before a last newline, a brace that repeats nothing is a brace, and a
    vertical tab is no space.
    """
    has_lines = re.search(r"\(\?[imsU]*m[imsU]*[:)]", pattern)
    parts: list[str] = []
    at, in_set = 0, False
    while at < len(pattern):
        found = (_INSIDE if in_set else _OUTSIDE).match(pattern, at)
        assert found, "the last alternative is any character"
        part, at = found.group(), found.end()
        if part.startswith("\\"):
            part = _escape(part, end, in_set=in_set)
        elif in_set:
            in_set = part != "]"
            # in Java a set may hold a set, and && intersects
            part = _POSIX.get(part[2:-2], part) if part.startswith("[:") else {"[": r"\[", "&": r"\&"}.get(part, part)
        elif part.startswith("["):
            in_set = True
            part = part.replace("]", r"\]")
        elif part.startswith("(?P<"):
            part = "("  # Java takes no underscore in a name, and nobody asks for the group
        elif part == "{" or (part == "$" and not has_lines):
            part = {"{": r"\{", "$": end}[part]
        parts.append(part)
    return "".join(parts)


def _escape(part: str, end: str, *, in_set: bool) -> str:
    if part.startswith(r"\x{"):
        return re.escape(chr(int(part[3:-1], 16)))
    if part == r"\s":
        return _SPACE if in_set else f"[{_SPACE}]"
    if part == r"\S" and not in_set:
        return f"[^{_SPACE}]"
    return {r"\z": end, r"\v": r"\x0b"}.get(part, part)
