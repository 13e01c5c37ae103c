"""The gate: what of a report blocks."""

from __future__ import annotations

from dataclasses import dataclass

from mlci.errors import ExitCode
from mlci.findings import Level
from mlci.results import Outcome, Report, Result

FAIL_ON = ("error", "warning", "never")
_INVALID = frozenset({"invalid", "path", "usage", "missing-extra"})


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it may go on, and every reason why not, as ``model: check: why``."""

    allowed: bool
    reasons: tuple[str, ...]
    exit_code: ExitCode


def decide(report: Report, fail_on: str = "error") -> Decision:
    """Hold a report against a policy: ``error``, ``warning`` (warnings block too) or ``never``.

    Only what passed, or was skipped without being required, lets through: a check that is broken or inconclusive, or
    a required one that was skipped, blocks like one that failed.
    """
    blocking = [(model, result, why) for model, result in report.results() if (why := _why(result, fail_on))]
    if fail_on == "never":
        blocking = []
    reasons = tuple(f"{model.name}: {result.id}: {why}" for model, result, why in blocking)
    return Decision(not blocking, reasons, _exit_code([result for _, result, _ in blocking]))


def _why(result: Result, fail_on: str) -> str:
    if result.outcome is Outcome.BROKEN:
        return f"could not run: {result.reason}"
    if result.outcome is Outcome.FAILED:
        return "failed"
    if result.outcome is Outcome.INCONCLUSIVE and (result.severity is Level.ERROR or fail_on == "warning"):
        return f"inconclusive: {result.reason}"
    if result.outcome is Outcome.SKIPPED and result.required:
        return f"required, and skipped: {result.reason}"
    if fail_on == "warning" and result.count(Level.WARNING):
        return "has warnings"
    return ""


def _exit_code(blocking: list[Result]) -> ExitCode:
    """The repository's own files come first, then safety; a limit only when nothing else blocks."""
    if not blocking:
        return ExitCode.OK
    if any(result.check == "manifest" and result.cause in _INVALID for result in blocking):
        return ExitCode.INVALID
    if any(result.cause == "unsafe" for result in blocking):
        return ExitCode.REFUSED
    if all(result.cause == "limit" for result in blocking):
        return ExitCode.LIMIT
    return ExitCode.FAILED
