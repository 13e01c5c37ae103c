"""``mlci validate``."""

from __future__ import annotations

from pathlib import Path

import click

from mlci.errors import ExitCode
from mlci.findings import Finding, Level


@click.command(
    "validate",
    epilog="""\b
Examples:
  mlci validate                              every manifest of this repository
  mlci validate models/churn/model.yaml      one file, as a hook does
  mlci validate --changed-since origin/main  what a branch touches
  mlci validate --schema params.schema.json params.yaml
""",
)
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option("--changed-since", metavar="REF", help="Only the models that the changes since REF touch.")
@click.option("--commit", metavar="REF", help="Look at a commit in place of the work tree.")
@click.option("--schema", metavar="FILE", help="Hold FILES against this JSON Schema of your own.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print findings.")
@click.option("--verbose", is_flag=True, help="Print every finding.")
def command(
    files: tuple[str, ...],
    changed_since: str | None,
    commit: str | None,
    schema: str | None,
    format_: str,
    verbose: bool,
) -> int:
    """Hold manifests against their schemas; fast, for hooks.

    Looks at FILES, else at every manifest of the repository; also whether the files they name are there. Ends with 2
    when something is wrong.
    """
    from mlci.errors import UsageError

    if files and changed_since:
        raise UsageError("name files or `--changed-since`, not both")
    if schema is not None:
        if not files:
            raise UsageError("`--schema` needs the files to hold against it")
        looked_at, findings = _own_schema(schema, files)
    else:
        looked_at, findings = _manifests(files, changed_since, commit)
    wrong = [finding for finding in findings if finding.level is Level.ERROR]
    _print(looked_at, findings, wrong, format_, verbose)
    return ExitCode.INVALID if wrong else ExitCode.OK


def _own_schema(schema: str, files: tuple[str, ...]) -> tuple[list[str], list[Finding]]:
    from mlci import validation
    from mlci.errors import UsageError
    from mlci.escape import line
    from mlci.reader import MAX_BYTES

    def read(name: str) -> bytes:
        try:
            # a pipe that nobody writes to would never end
            if Path(name).exists() and not Path(name).is_file():
                raise UsageError(f"`{line(name)}` is not a regular file")
            with Path(name).open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"`{line(name)}` cannot be read: {reason.lower()}") from None

    return list(files), validation.validate_against(read(schema), schema, [(name, read(name)) for name in files])


def _manifests(
    files: tuple[str, ...], changed_since: str | None, commit: str | None
) -> tuple[list[str], list[Finding]]:
    from mlci import validation
    from mlci.cli import console
    from mlci.workspace import open_workspace
    from mlci.world import World

    world = World()
    with open_workspace(world, revision=commit) as workspace, console.progress(world) as tell:
        here = [name for name in files if workspace.holds(name)]
        looked_at, findings = (
            ([], [])
            if files and not here
            else validation.validate(workspace, [workspace.relative(name) for name in here], changed_since, tell)
        )
    for name in files:
        if name not in here:
            # a file of another repository is held against that one, as if started beside it
            with open_workspace(world, Path(name).parent) as other:
                seen, found = validation.validate(other, [other.relative(Path(name).name)])
            looked_at += seen
            findings += found
    return looked_at, findings


def _print(looked_at: list[str], findings: list[Finding], wrong: list[Finding], format_: str, verbose: bool) -> None:
    from mlci.cli import console

    if format_ == "json":
        console.say_json({"files": looked_at, "findings": [console.finding_dict(finding) for finding in findings]})
        return
    console.show_findings(findings, "invalid", verbose=verbose)
    if not wrong:
        count = len(looked_at)
        console.say(f"valid: {count:,} file{'s' if count != 1 else ''}")
