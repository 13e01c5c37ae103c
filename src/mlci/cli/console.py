"""What every command prints with: escaped text, errors in one shape, progress on terminals only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mlci import escape
from mlci.errors import MlciError
from mlci.findings import InvalidFile

if TYPE_CHECKING:
    from mlci.findings import Finding
    from mlci.ports import Progress
    from mlci.world import World

SHOWN = 20
"""Findings that are printed without ``--verbose``."""


def say(text: str) -> None:
    """Text for a person, on stdout."""
    click.echo(escape.text(text), nl=not text.endswith("\n"))


def say_json(data: Any) -> None:
    click.echo(escape.json(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)))


def put(text: str) -> None:
    """What a reporter made, on stdout. The verdict stands when its reader leaves early (``mlci check | head``)."""
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        # what is still buffered has nowhere to go, and Python would complain of it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """Text for a person, on stderr."""
    click.echo(escape.text(text), err=True)


def show_error(error: MlciError) -> None:
    """``place: error[code]: message`` and the cure on a line of its own."""
    from mlci.findings import Finding, Level
    from mlci.reporters.terminal import finding_lines

    if isinstance(error, InvalidFile):
        show_findings(error.findings, "invalid", more="mlci validate --verbose")
        return
    for line in finding_lines(Finding(Level.ERROR, error.message, error.at, error.hint), error.code):
        complain(line)


def show_findings(findings: Sequence[Finding], code: str, *, verbose: bool = False, more: str = "--verbose") -> None:
    if not findings:
        return
    from mlci.reporters.terminal import finding_lines

    shown = findings if verbose else findings[:SHOWN]
    for finding in shown:
        for line in finding_lines(finding, code):
            complain(line)
    if len(shown) < len(findings):
        complain(f"{len(findings) - len(shown):,} more with {more}")


def finding_dict(finding: Finding) -> dict[str, Any]:
    """A finding as ``--format json`` prints it, in the shape of report.json."""
    at = finding.at
    place = None if at is None else {"path": at.path, "line": at.line, "column": at.column}
    return {"level": finding.level.value, "message": finding.message, "at": place, "hint": finding.hint}


@contextmanager
def progress(world: World) -> Iterator[Progress | None]:
    """A line on stderr that tells how far the work is; nothing where nobody watches."""
    if world.in_ci or not sys.stderr.isatty() or world.env.get("TERM") == "dumb":
        yield None
        return

    told = False

    def tell(done: int, total: int, what: str) -> None:
        nonlocal told
        told = True
        text = escape.line(f"{done}/{total} {what}")[:78]
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)

    try:
        yield tell
    finally:
        if told:
            click.echo("\r\x1b[K", err=True, nl=False)
