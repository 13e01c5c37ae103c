"""``mlci check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

FORMATS = ("terminal", "markdown", "json", "junit", "annotations")


@click.command(
    "check",
    epilog="""\b
Examples:
  mlci check                                  everything
  mlci check --changed-since origin/main      what a branch touches
  mlci check --model churn --only data        the data checks of one model
  mlci check models/churn                     the models in or around a path
  mlci check --shard 2/8 --output r2.json     the second of eight parts
""",
)
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Only this model; can be given again.")
@click.option("--changed-since", metavar="REF", help="Only the models that the changes since REF touch.")
@click.option("--only", multiple=True, metavar="WORD", help="Only these: files, data, model, load, a check, or an id.")
@click.option("--fast", is_flag=True, help="Only the datasets that PATHS are files of, each on its own; for hooks.")
@click.option("--shard", metavar="I/N", help="Only the I-th of N parts of the models.")
@click.option("--commit", metavar="REF", help="Look at a commit in place of the work tree.")
@click.option(
    "--trust", multiple=True, metavar="TYPE", help="Allow a model file to hold this type; can be given again."
)
@click.option(
    "--output", metavar="FILE", default="report.json", help="Where the report goes (report.json); `-` for nowhere."
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="terminal", help="What is printed.")
@click.option(
    "--fail-on", type=click.Choice(["error", "warning", "never"]), default="error", help="What makes it end with 1."
)
@click.option(
    "--samples", type=click.Choice(["none", "keys", "values"]), help="What is shown of failing rows (mlci.yaml says)."
)
@click.option("--baseline", metavar="REF", help="Compare with the profiles that a commit holds.")
@click.option("--now", metavar="TIME", help="Measure ages from this moment, such as 2026-01-31T12:00:00Z.")
@click.option("--remote", is_flag=True, help="Allow datasets to be read from the databases that they name.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Checks that run at once (as many as there are cores).")
def command(
    paths: tuple[str, ...],
    models: tuple[str, ...],
    changed_since: str | None,
    only: tuple[str, ...],
    fast: bool,
    shard: str | None,
    commit: str | None,
    trust: tuple[str, ...],
    output: str,
    format_: str,
    fail_on: str,
    samples: str | None,
    baseline: str | None,
    now: str | None,
    remote: bool,
    jobs: int | None,
) -> int:
    """Run the checks, write report.json and print what was measured.

    Ends with 0 when everything passed, 1 when a check failed or could not run, 2 when a manifest is wrong.
    """
    from mlci import gate, reports
    from mlci.checking import check
    from mlci.cli import console
    from mlci.errors import UsageError
    from mlci.selection import Selection
    from mlci.workspace import open_workspace
    from mlci.world import World

    if fast and not paths:
        raise UsageError("`--fast` looks at the data files that it is given, and there are none", hint="name PATHS")
    world = World()
    words = tuple(word.strip() for item in only for word in item.split(",") if word.strip())
    with open_workspace(world, revision=commit) as workspace, console.progress(world) as tell:
        selection = Selection(
            models=models,
            paths=tuple(workspace.relative(path) for path in paths),
            changed_since=changed_since,
            only=words,
            shard=shard,
            fast=fast,
        )
        with workspace.at(baseline or changed_since) as before:
            report = check(
                workspace,
                selection,
                trust=trust,
                jobs=jobs,
                progress=tell,
                samples=samples,
                now=_moment(now),
                baseline=before,
                remote=remote,
            )
    # printed first: what was measured must not be lost with a file that cannot be written
    console.put(reports.render(report, format_, fail_on))
    if output != "-":
        write(Path(output), reports.render(report, "json"))
    return gate.decide(report, fail_on).exit_code


def _moment(text: str | None) -> datetime | None:
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no moment; write it as 2026-01-31T12:00:00Z", param_hint="'--now'"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def write(path: Path, text: str) -> None:
    from mlci.errors import OutsideFailed

    # a device such as /dev/null, a pipe or a link is written to: no file shall take its place
    is_kept = path.is_symlink() or path.is_dir() or path.is_fifo() or path.is_char_device()
    # beside the target first: a full disk or a kill leaves the old report, never half of a new one
    part = path if is_kept else path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        if not is_kept:
            part.replace(path)
    except OSError as error:
        if not is_kept and part.is_file():
            part.unlink()
        raise OutsideFailed(
            f"`{path}` cannot be written: {(error.strerror or '').lower()}", hint="name another place with --output"
        ) from None
