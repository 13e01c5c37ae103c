"""The syntax of RE2, so far as to say of a pattern that it has something else, and what.

RE2 answers in a time that grows with the text alone, so it has no lookaround, no references back and no possessive
repeats. Stricter than RE2 where the same text means something else in the expressions of Python or JavaScript.
Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re

MAX_LENGTH = 1000
MAX_REPEAT = 1000
MAX_DEPTH = 100

_REPEAT = re.compile(r"[*+?]|\{([0-9]+)(,([0-9]*))?\}")
_FLAGS = re.compile(r"\(\?([imsU]+(-[imsU]+)?|-[imsU]+)([:)])")
_NAMED = re.compile(r"\(\?P<[A-Za-z_][A-Za-z0-9_]*>")
_HEX = re.compile(r"\\x([0-9A-Fa-f]{2}|\{(0?[0-9A-Fa-f]{1,5}|10[0-9A-Fa-f]{4})\})")
_CATEGORY = re.compile(
    r"\\[pP]\{?\^?(L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|C[cf]?|"
    r"Latin|Greek|Cyrillic|Han|Arabic|Hebrew|Hiragana|Katakana|Thai|Hangul)\}"
    r"|\\[pP][LMNPSZC]"
)
_POSIX = re.compile(r"\[:\^?(alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]")
_SETS = "dDsSwW"
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NAMES = {
    "(?=": "a lookahead",
    "(?!": "a lookahead",
    "(?<=": "a lookbehind",
    "(?<!": "a lookbehind",
    "(?P=": "a reference back",
    "(?>": "an atomic group",
    "(?(": "a condition",
    "(?#": "a comment",
    "(?<": "a named group that is not written `(?P<name>`",
}


class _NotRe2(Exception):
    pass


def problem(pattern: str) -> str:
    """What RE2 does not take of a pattern, as the end of "the pattern has ..."; empty where it takes it."""
    if len(pattern) > MAX_LENGTH:
        return f"{len(pattern):,} characters; at most {MAX_LENGTH:,} are taken"
    try:
        _Scanner(pattern).scan()
    except _NotRe2 as error:
        return str(error)
    return ""


class _Scanner:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.groups: list[int] = []
        """For each open group, the greatest product of counted repeats inside it so far."""
        self.most = 1

    def scan(self) -> None:
        repeatable, repeated, inner = False, False, 1
        while self.at < len(self.pattern):
            repeat = _REPEAT.match(self.pattern, self.at)
            if repeat:
                if not repeatable or repeated:
                    raise _NotRe2(f"the repeat `{repeat.group()}` with nothing to repeat, or a possessive one")
                inner = self.counted(repeat, inner)
                self.at = repeat.end()
                if self.pattern.startswith("?", self.at):
                    self.at += 1
                repeated = True
                self.most = max(self.most, inner)
                continue
            repeatable, inner = self.piece()
            repeated = False
        if self.groups:
            raise _NotRe2("a `(` that is not closed")

    def counted(self, repeat: re.Match[str], inner: int) -> int:
        if repeat.group(1) is None:
            return inner
        low = int(repeat.group(1))
        high = int(repeat.group(3)) if repeat.group(3) else low
        if high < low or max(low, high) > MAX_REPEAT or max(1, high) * inner > MAX_REPEAT:
            raise _NotRe2(f"the repeat `{repeat.group()}`; RE2 counts to {MAX_REPEAT} at most, nested ones multiplied")
        return max(1, high) * inner

    def piece(self) -> tuple[bool, int]:
        """Step over one piece: whether it can be repeated, and the product of counted repeats inside it."""
        char = self.pattern[self.at]
        if char == "(":
            return self.open(), 1
        if char == ")":
            if not self.groups:
                raise _NotRe2("a `)` that closes nothing")
            inner, self.most = self.most, max(self.most, self.groups.pop())
            self.at += 1
            return True, inner
        if char == "[":
            self.set()
        elif char == "\\":
            self.escape(inside=False)
        else:
            self.at += 1
        return char != "|", 1

    def open(self) -> bool:
        flags = _FLAGS.match(self.pattern, self.at)
        named = _NAMED.match(self.pattern, self.at)
        if flags and flags.group(3) == ")":
            self.at = flags.end()
            return False
        if flags or named:
            self.at = (flags or named).end()  # type: ignore[union-attr]  # one of them is there
        elif self.pattern.startswith("(?:", self.at):
            self.at += 3
        elif self.pattern.startswith("(?", self.at):
            for start, name in _NAMES.items():
                if self.pattern.startswith(start, self.at):
                    raise _NotRe2(f"{name} (`{start}`)")
            raise _NotRe2(f"`{self.pattern[self.at : self.at + 3]}`")
        else:
            self.at += 1
        self.groups.append(self.most)
        self.most = 1
        if len(self.groups) > MAX_DEPTH:
            raise _NotRe2(f"groups more than {MAX_DEPTH} deep")
        return False

    def escape(self, *, inside: bool) -> int | None:
        """Step over an escape: the character that it stands for, None for a set of them or a place between two."""
        rest = self.pattern[self.at + 1 : self.at + 2]
        if not rest:
            raise _NotRe2("a backslash at its end")
        if rest in "123456789":
            raise _NotRe2(f"a reference back (`\\{rest}`)")
        for form in (_HEX, _CATEGORY):
            if match := form.match(self.pattern, self.at):
                self.at = match.end()
                return int(match.group(1).strip("{}"), 16) if form is _HEX else None
        places = "" if inside else "bBAz"
        if not rest.isascii() or (rest.isalnum() and rest not in _SETS + places and rest not in _CONTROLS):
            raise _NotRe2(f"`\\{rest}`")
        self.at += 2
        return None if rest in _SETS + places else ord(_CONTROLS.get(rest, rest))

    def set(self) -> None:
        start = self.at
        self.at += 1
        if self.pattern.startswith("^", self.at):
            self.at += 1
        first = True
        while first or not self.pattern.startswith("]", self.at):
            if self.at >= len(self.pattern):
                raise _NotRe2("a `[` that is not closed")
            first = False
            posix = _POSIX.match(self.pattern, self.at)
            if posix:
                self.at = posix.end()
                continue
            if self.pattern.startswith("[:", self.at):
                raise _NotRe2("a `[:` inside a set")
            low = self.member()
            after = self.pattern[self.at + 1 : self.at + 2]
            # after a set of characters such as \d a hyphen is itself
            if low is not None and self.pattern.startswith("-", self.at) and after not in ("", "]"):
                self.at += 1
                high = self.member()
                if high is None or high < low:
                    raise _NotRe2(f"the range that ends at `{self.pattern[start : self.at]}`")
        self.at += 1

    def member(self) -> int | None:
        if self.pattern.startswith("\\", self.at):
            return self.escape(inside=True)
        self.at += 1
        return ord(self.pattern[self.at - 1 : self.at] or "\0")
