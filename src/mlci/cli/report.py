"""``mlci report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "report",
    epilog="""\b
Examples:
  mlci report                                   report.json as a table
  mlci report r1.json r2.json --format markdown the shards of a run as one
  mlci report --format junit --output junit.xml
""",
)
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option(
    "--format",
    "format_",
    default="terminal",
    metavar="NAME",
    help="A reporter: terminal, markdown, json, junit, annotations.",
)
@click.option("--output", metavar="FILE", help="Write to a file in place of stdout.")
@click.option(
    "--fail-on", type=click.Choice(["error", "warning", "never"]), default="error", help="What makes it end with 1."
)
def command(files: tuple[str, ...], format_: str, output: str | None, fail_on: str) -> int:
    """Render report.json files as text, Markdown, JUnit or annotations.

    Several files are the parts of one run. Ends as `mlci check` did.
    """
    from mlci import gate, reports
    from mlci.cli import console

    report = reports.read_reports([(name, _read(name)) for name in files or ("report.json",)])
    text = reports.render(report, format_, fail_on)
    if output is None:
        console.put(text)
    else:
        from mlci.cli.check import write

        write(Path(output), text)
    return gate.decide(report, fail_on).exit_code


def _read(name: str) -> bytes:
    from mlci.errors import LimitReached, UsageError
    from mlci.reports import MAX_BYTES

    try:
        with Path(name).open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"`{name}` cannot be read: {(error.strerror or '').lower()}", hint="`mlci check` writes it"
        ) from None
    if len(raw) > MAX_BYTES:
        raise LimitReached(f"`{name}` has more than {MAX_BYTES:,} bytes")
    return raw
