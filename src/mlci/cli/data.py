"""``mlci data``: profiles and contracts of datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mlci.difference import ColumnDiff, Diff
    from mlci.profiles import Compared


@click.group(
    "data",
    epilog="""\b
Examples:
  mlci data profile                     write the profile of every dataset
  mlci data profile train --keys        one dataset, and hashes of its key
  mlci data diff train --since main     what became of it on this branch
  mlci data import suite.json           a contract as rules of columns
  mlci data export train                a dataset's rules as a contract
""",
)
def command() -> None:
    """Profile datasets, compare them, and exchange their contracts.

    A profile is a small file to commit: drift, freshness and leakage are judged by it where the data are not there.
    """


_MODEL = click.option("--model", "models", multiple=True, metavar="NAME", help="Only this model's datasets.")
_REMOTE = click.option("--remote", is_flag=True, help="Allow datasets to be read from the databases that they name.")
_FORMAT = click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")


@command.command(
    "profile",
    epilog="""\b
Examples:
  mlci data profile train
  mlci data profile train --keys --keys household,month
""",
)
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@_MODEL
@click.option(
    "--keys",
    "groups",
    is_flag=False,
    flag_value="",
    multiple=True,
    metavar="[COLUMNS]",
    help="Write salted hashes of the dataset's key, or of these columns, as well.",
)
@_REMOTE
@_FORMAT
def profile(
    datasets: tuple[str, ...], models: tuple[str, ...], groups: tuple[str, ...], remote: bool, format_: str
) -> None:
    """Write the profile of datasets, of all where none is named.

    Its place is `profile:` of the dataset, <dataset>.profile.json beside the manifest where that is not said. Values
    of sensitive columns are not in it.

    Hashes of keys let leakage be found without the data. Whoever has their file can try keys that can be guessed, and
    learn whether they are in it.
    """
    from mlci import profiles, quantities
    from mlci.cli import console
    from mlci.errors import UsageError
    from mlci.escape import line
    from mlci.workspace import open_workspace
    from mlci.world import World

    world = World()
    written = []
    with open_workspace(world) as workspace, console.progress(world) as tell:
        chosen = profiles.datasets(workspace, datasets, models)
        for number, (model, dataset) in enumerate(chosen):
            if tell:
                tell(number, len(chosen), f"{model.name}: {dataset.name}")
            hashed = [tuple(group.split(",")) if group else dataset.key for group in groups]
            if not all(hashed):
                hint = "name the columns: --keys customer_id,month"
                raise UsageError(f"the dataset `{line(dataset.name)}` has no `key:`", hint=hint)
            written += profiles.write(workspace, model, dataset, list(dict.fromkeys(hashed)), remote=remote)
            if old := profiles.left_behind(workspace, model, dataset):
                console.complain(f"{line(old)} is of an older profile: delete it, or write it again with --keys")
    if format_ == "json":
        console.say_json([{"path": file.path, "size": file.size, "about": file.about} for file in written])
        return
    for file in written:
        console.say(f"wrote {line(file.path)} ({quantities.show_size(file.size)}): {file.about}")


@command.command(
    "diff",
    epilog="""\b
Examples:
  mlci data diff                          every dataset against its profile
  mlci data diff train --since main       against the profile at a commit
  mlci data diff old.profile.json new.profile.json
""",
)
@click.argument("what", nargs=-1, metavar="[DATASET]... | [FILE FILE]")
@_MODEL
@click.option("--since", metavar="REF", help="Compare with the profile that a commit holds.")
@_REMOTE
@_FORMAT
def diff(what: tuple[str, ...], models: tuple[str, ...], since: str | None, remote: bool, format_: str) -> None:
    """Say what changed: rows, columns, missing values, distributions.

    A dataset is compared with its committed profile, two profiles with each other.
    """
    from mlci.cli import console

    compared = _files(*what) if len(what) == 2 and _are_files(what) else _datasets(what, models, since, remote)
    if format_ == "json":
        console.say_json([_dict(item) for item in compared])
        return
    console.say("\n\n".join(_text(item) for item in compared))


def _are_files(what: tuple[str, ...]) -> bool:
    return all(name.endswith(".json") for name in what)


def _files(old: str, new: str) -> list[Compared]:
    from mlci import difference, profiles

    one, other = (profiles.read_file(Path(name)) for name in (old, new))
    return [profiles.Compared("", other.dataset, difference.diff(one, other))]


def _datasets(names: tuple[str, ...], models: tuple[str, ...], since: str | None, remote: bool) -> list[Compared]:
    from mlci import profiles
    from mlci.cli import console
    from mlci.errors import UsageError
    from mlci.escape import line
    from mlci.workspace import open_workspace
    from mlci.world import World

    world = World()
    compared = []
    with open_workspace(world) as workspace, workspace.at(since) as before, console.progress(world) as tell:
        if since and before is None:
            raise UsageError("`--since` needs a git repository", hint="git init")
        chosen = profiles.datasets(workspace, names, models)
        for number, (model, dataset) in enumerate(chosen):
            if tell:
                tell(number, len(chosen), f"{model.name}: {dataset.name}")
            found = profiles.compare(workspace, model, dataset, before, remote=remote)
            if found:
                compared.append(found)
            elif names:
                where = f" at `{line(since)}`" if since else ""
                raise UsageError(
                    f"the dataset `{line(dataset.name)}` of `{line(model.name)}` has no profile{where}",
                    hint=f"mlci data profile {line(dataset.name)}, and commit what it writes",
                )
    if not compared:
        raise UsageError("no dataset here has a profile", hint="mlci data profile, and commit what it writes")
    return compared


_SHOWN = 20


def _text(item: Compared) -> str:
    """A dataset's changes: a line of rows, one of each column that changed its type, a table of those that moved."""
    from mlci.reporters.terminal import table

    diff_ = item.diff
    name = f"{item.model}: {item.dataset}" if item.model else item.dataset
    lines = [f"{name}: {diff_.old.rows:,} → {diff_.new.rows:,} rows"]
    lines += [f"  {'breaking: ' if change.breaking else ''}{change.message}" for change in diff_.changes]
    moved = [column for column in diff_.columns if column.is_changed]
    if moved:
        rows = [_row(column) for column in moved[:_SHOWN]]
        lines.append(table(rows, ("column", "missing", "psi", "ks", "js", "Cramér's V", "distribution")))
    if len(moved) > _SHOWN:
        lines.append(f"and {len(moved) - _SHOWN:,} more that moved less")
    still = len(diff_.columns) - len(moved)
    if still:
        lines.append(f"{still:,} column{'s' if still > 1 else ''} did not change")
    if any(column.estimated for column in moved):
        lines.append("~ estimated: the two profiles have other bins")
    return "\n".join(lines)


def _row(column: ColumnDiff) -> list[str]:
    from mlci.quantities import show
    from mlci.reporters import words
    from mlci.results import Measurement

    old, new = (show(share, "share") for share in column.missing)
    about = "~" if column.estimated else ""
    values = [
        f"{about}{show(round(column.statistics[name], 4))}" if name in column.statistics else ""
        for name in ("psi", "ks", "js", "cramers_v")
    ]
    drawn = words.bars(Measurement(name=column.name, value=0, histograms=column.histograms))
    return [column.name, old if old == new else f"{old} → {new}", *values, drawn]


def _dict(item: Compared) -> dict[str, Any]:
    diff_: Diff = item.diff
    return {
        "model": item.model,
        "dataset": item.dataset,
        "rows": [diff_.old.rows, diff_.new.rows],
        "content": [diff_.old.content, diff_.new.content],
        "changes": [
            {"column": change.column, "kind": change.kind, "breaking": change.breaking, "message": change.message}
            for change in diff_.changes
        ],
        "columns": [
            {
                "column": column.name,
                "missing": list(column.missing),
                "statistics": dict(column.statistics),
                "estimated": column.estimated,
                "histograms": [list(shares) for shares in column.histograms],
            }
            for column in diff_.columns
        ],
    }


@command.command(
    "import", epilog="\b\nExamples:\n  mlci data import suite.json\n  mlci data import schema.yml --table loans\n"
)
@click.argument("file", metavar="FILE")
@click.option("--table", metavar="NAME", help="The table of a file that describes several.")
def import_(file: str, table: str | None) -> None:
    """Print a contract of another tool as the rules of a dataset.

    Reads Great Expectations suites, pandera schemas, dbt schema files, ODCS and Frictionless contracts. What cannot be
    said here stands in comments.
    """
    from mlci import contracting
    from mlci.cli import console
    from mlci.errors import LimitReached, UsageError
    from mlci.escape import line
    from mlci.reader import MAX_BYTES

    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"`{line(file)}` cannot be read: {(error.strerror or '').lower()}") from None
    if len(raw) > MAX_BYTES:
        raise LimitReached(f"`{line(file)}` has more than {MAX_BYTES:,} bytes")
    console.say(contracting.import_contract(raw, file, table))


@command.command("export", epilog="\b\nExamples:\n  mlci data export train\n  mlci data export train --model churn\n")
@click.argument("dataset", metavar="DATASET")
@_MODEL
def export(dataset: str, models: tuple[str, ...]) -> None:
    """Print the rules of a dataset as a contract in the Open Data Contract Standard."""
    from mlci import contracting, profiles
    from mlci.cli import console
    from mlci.errors import UsageError
    from mlci.escape import line
    from mlci.workspace import open_workspace
    from mlci.world import World

    with open_workspace(World()) as workspace:
        found = profiles.datasets(workspace, [dataset], models)
    if len(found) > 1:
        named = ", ".join(line(model.name) for model, _ in found[:8])
        raise UsageError(
            f"{len(found)} models have a dataset `{line(dataset)}`: {named}", hint="say which with --model"
        )
    console.say(contracting.export_contract(found[0][0], dataset))
