"""Cases become results: each on its own, so that no trouble of one reaches another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mlci.case import Case, Check, Inconclusive, Skip, broken_limit
from mlci.errors import MlciError, UsageError
from mlci.findings import Finding, InvalidFile, Level, at_level, findings_of
from mlci.places import Location
from mlci.results import Measurement, Outcome, Result


def run(case: Case, check: Check, clock: Callable[[], float], needs: Sequence[str] = ()) -> Result:
    """Run one check to its end and say how it ended; without the options that it ``needs``, it is broken.

    Raises nothing but KeyboardInterrupt.
    """
    spec = case.spec
    started = clock()
    findings: list[Finding] = []
    measurements: list[Measurement] = []
    outcome, reason, cause = Outcome.PASSED, "", ""
    try:
        _require(case, needs)
        for item in check(case):
            if isinstance(item, Measurement):
                measurements.append(item)
                limit = item.broken_limit()
                if limit is not None:
                    findings.append(broken_limit(item, limit))
            elif isinstance(item, Finding):
                findings.append(item)
            else:
                raise TypeError(f"a check yields findings and measurements, not {type(item).__name__}")
    except Skip as why:
        outcome, reason = Outcome.SKIPPED, str(why)
    except Inconclusive as why:
        outcome, reason = Outcome.INCONCLUSIVE, str(why)
    except InvalidFile as error:
        outcome, reason, cause = Outcome.BROKEN, error.message, error.code
        findings.extend(error.findings)
    except MlciError as error:
        outcome, reason, cause = Outcome.BROKEN, error.message, error.code
        findings.append(Finding(Level.ERROR, error.message, error.at or _place(case), error.hint))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a bug in one check is its own trouble; it is named, and blocks
        outcome, cause = Outcome.BROKEN, "bug"
        reason = f"the check failed with {type(error).__name__}: {error}"
        findings.append(
            Finding(Level.ERROR, reason, _place(case), "this is a bug of the check; run with --debug and report it")
        )
    findings = [finding if finding.at else replace(finding, at=_place(case)) for finding in findings]
    if spec.severity is Level.WARNING and outcome is not Outcome.BROKEN:
        findings = [at_level(f, Level.WARNING) if f.level is Level.ERROR else f for f in findings]
    if any(finding.level is Level.ERROR for finding in findings) and outcome is not Outcome.BROKEN:
        outcome = Outcome.FAILED
    return Result(
        check=spec.check,
        id=spec.id,
        outcome=outcome,
        reason=reason,
        cause=cause,
        severity=spec.severity,
        required=spec.required,
        findings=tuple(findings),
        measurements=tuple(measurements),
        seconds=clock() - started,
        at=_place(case),
    )


def _require(case: Case, needs: Sequence[str]) -> None:
    missing = [f"`{name}`" for name in needs if name not in case.options]
    if missing:
        # options that are written were held against the schema; a policy, and a name alone, ask for a check without
        who = "the repository requires" if case.spec.required else "the manifest asks for"
        raise UsageError(
            f"{who} `{case.spec.check}`, and nobody says its {' and '.join(missing)}",
            hint=f"add `- {case.spec.check}: {{…}}` to `checks:`, or give them under `defaults:` in mlci.yaml",
        )


def refused(error: MlciError, path: str) -> Result:
    """The result of a model whose manifest could not be read."""
    return Result(
        check="manifest",
        id="manifest",
        outcome=Outcome.BROKEN,
        reason=error.message,
        cause=error.code,
        findings=findings_of(error, path),
        at=error.at or Location(path),
    )


def _place(case: Case) -> Location | None:
    return case.at()
