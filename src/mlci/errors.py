"""What can go wrong, and the exit code that says so.

    MlciError
    |-- UsageError        2   the command line, or an extra that is not installed
    |   `-- MissingExtra
    |-- InvalidFile       2   a file of the repository is wrong; carries its findings, and stands beside them
    |-- PathRefused       2   a path that leaves the repository, or does not name a regular file
    |-- SafetyRefused     3   loading it could run somebody's code
    |-- LimitReached      4   time, memory or output
    |-- OutsideFailed     5   git, a disk, a network: running it again is safe
    `-- Conflict          6   somebody else was first

Anything else that escapes is a bug in mlci (70).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlci.places import Location


class ExitCode(IntEnum):
    """How ``mlci`` ends; each code has one meaning in every command."""

    OK = 0
    """Done, or passed."""
    FAILED = 1
    """A check failed or could not run, a gate refused, or what is served is not what is declared."""
    INVALID = 2
    """The command line or the repository's own files are wrong."""
    REFUSED = 3
    """Refused for safety."""
    LIMIT = 4
    """A limit of time, memory or output was reached."""
    OUTSIDE = 5
    """Something outside mlci failed; running it again is safe."""
    CONFLICT = 6
    """A lost race, a superseded state or an untrusted clone."""
    BUG = 70
    """A bug in mlci."""
    INTERRUPTED = 130
    """Stopped by the user."""


class MlciError(Exception):
    """An end that mlci foresaw: ``message`` says what is and what was expected, ``hint`` the cure."""

    exit_code = ExitCode.BUG
    code = "error"

    def __init__(self, message: str, *, hint: str = "", at: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.at = at


class UsageError(MlciError):
    """The command cannot do what it was asked."""

    exit_code = ExitCode.INVALID
    code = "usage"


class MissingExtra(UsageError):
    """A library that an extra of mlci brings is not installed."""

    code = "missing-extra"

    def __init__(self, extra: str, library: str) -> None:
        super().__init__(
            f"{library} is not installed; it comes with the extra `{extra}`",
            hint=f"pip install 'mlci[{extra}]'",
        )
        self.extra = extra


class PathRefused(MlciError):
    """A path that mlci does not follow."""

    exit_code = ExitCode.INVALID
    code = "path"


class SafetyRefused(MlciError):
    """Loading this could run code that nobody reviewed."""

    exit_code = ExitCode.REFUSED
    code = "unsafe"


class LimitReached(MlciError):
    """A bound on time, memory, size or output was met."""

    exit_code = ExitCode.LIMIT
    code = "limit"


class OutsideFailed(MlciError):
    """Something that mlci does not control failed."""

    exit_code = ExitCode.OUTSIDE
    code = "outside"


class Conflict(MlciError):
    """The world changed in between."""

    exit_code = ExitCode.CONFLICT
    code = "conflict"
