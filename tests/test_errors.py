from __future__ import annotations

import re

import pytest

from mlci import errors
from mlci.errors import (
    Conflict,
    ExitCode,
    LimitReached,
    MissingExtra,
    MlciError,
    OutsideFailed,
    PathRefused,
    SafetyRefused,
    UsageError,
)
from mlci.findings import Finding, InvalidFile, Level, at_level, findings_of
from mlci.places import Location

KINDS = [
    (UsageError, 2, "usage"),
    (PathRefused, 2, "path"),
    (SafetyRefused, 3, "unsafe"),
    (LimitReached, 4, "limit"),
    (OutsideFailed, 5, "outside"),
    (Conflict, 6, "conflict"),
]
TWO = (
    Finding(Level.ERROR, "the first", Location("a.yaml", 3, 5), "the cure"),
    Finding(Level.ERROR, "the second", Location("a.yaml", 1, 1)),
)


def test_every_exit_code_has_one_meaning() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "INVALID": 2,
        "REFUSED": 3,
        "LIMIT": 4,
        "OUTSIDE": 5,
        "CONFLICT": 6,
        "BUG": 70,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(("kind", "code", "word"), KINDS, ids=[word for *_, word in KINDS])
def test_an_error_knows_how_the_program_ends_and_what_it_is_called(kind: type[MlciError], code: int, word: str) -> None:
    error = kind("what is", hint="the cure", at=Location("a.yaml", 1, 2))
    assert (error.exit_code, error.code) == (code, word)
    assert (error.message, error.hint, str(error.at)) == ("what is", "the cure", "a.yaml:1:2")
    assert str(error) == "what is"


@pytest.mark.parametrize(("kind", "code", "word"), KINDS, ids=[word for *_, word in KINDS])
def test_a_hint_and_a_place_may_be_left_out(kind: type[MlciError], code: int, word: str) -> None:
    assert (kind("what is").hint, kind("what is").at) == ("", None)


def test_an_error_of_no_kind_is_a_bug() -> None:
    assert MlciError("what is").exit_code == ExitCode.BUG


def test_a_library_that_is_not_installed_comes_with_the_command_that_installs_it() -> None:
    error = MissingExtra("onnx", "onnxruntime")
    assert error.message == "onnxruntime is not installed; it comes with the extra `onnx`"
    assert error.hint == "pip install 'mlci[onnx]'"
    assert (error.exit_code, error.code, error.extra) == (2, "missing-extra", "onnx")
    assert isinstance(error, UsageError)


def test_an_invalid_file_says_what_its_first_finding_says() -> None:
    error = InvalidFile(list(TWO))
    assert (error.message, error.hint, error.at) == ("the first", "the cure", Location("a.yaml", 3, 5))
    assert error.findings == TWO
    assert (error.exit_code, error.code) == (2, "invalid")


def test_an_invalid_file_without_a_finding_is_a_bug() -> None:
    with pytest.raises(IndexError):
        InvalidFile([])


def test_the_drawing_of_the_errors_shows_each_with_its_code() -> None:
    drawn = dict(re.findall(r"-- (\w+) +(\d)", errors.__doc__ or ""))
    kinds = {kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and kind is not MlciError}
    below = {name: kind for name, kind in kinds.items() if issubclass(kind, MlciError)} | {"InvalidFile": InvalidFile}
    assert drawn == {name: str(int(kind.exit_code)) for name, kind in below.items() if kind is not MissingExtra}
    assert "`-- MissingExtra" in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", [MlciError, UsageError, InvalidFile, LimitReached])
def test_every_error_is_caught_as_one(kind: type[MlciError]) -> None:
    assert issubclass(kind, MlciError)


# Findings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "shown"),
    [(Location("a.yaml"), "a.yaml"), (Location("a.yaml", 3), "a.yaml:3"), (Location("a.yaml", 3, 1), "a.yaml:3:1")],
)
def test_a_place_is_written_as_editors_read_it(at: Location, shown: str) -> None:
    assert str(at) == shown


def test_an_invalid_file_is_its_findings() -> None:
    assert findings_of(InvalidFile(TWO), "b.yaml") == TWO


def test_another_error_is_one_finding_at_its_place_or_at_the_file() -> None:
    (finding,) = findings_of(LimitReached("too long", hint="wait", at=Location("a.yaml", 2, 2)), "b.yaml")
    assert finding == Finding(Level.ERROR, "too long", Location("a.yaml", 2, 2), "wait")
    (finding,) = findings_of(PathRefused("a link"), "b.yaml")
    assert finding == Finding(Level.ERROR, "a link", Location("b.yaml"))


def test_a_finding_at_another_level_is_the_same_otherwise() -> None:
    assert at_level(TWO[0], Level.NOTE) == Finding(Level.NOTE, "the first", Location("a.yaml", 3, 5), "the cure")
    assert TWO[0].level is Level.ERROR
