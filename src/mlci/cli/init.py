"""``mlci init``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlci.errors import ExitCode, MissingExtra, UsageError

if TYPE_CHECKING:
    from mlci.scaffold import Found

TASKS = ("binary", "multiclass", "regression")


@click.command(
    "init",
    epilog="""\b
Examples:
  mlci init                                      asks where something is not clear
  mlci init models/churn --target churned --min 0.9
  mlci init --yes --artifact model.onnx --data data/test.csv --target y
""",
)
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="The model's name (the folder's).")
@click.option("--artifact", metavar="PATH", help="The model file or folder, from FOLDER.")
@click.option("--data", metavar="PATH", help="The file of held-out data, from FOLDER.")
@click.option("--target", metavar="COLUMN", help="The column of the data that is predicted.")
@click.option("--task", type=click.Choice(TASKS), help="What kind of prediction it is.")
@click.option("--metric", metavar="NAME", help="The metric that is measured (accuracy or rmse).")
@click.option("--min", "minimum", type=float, help="The least that the metric may be.")
@click.option("--max", "maximum", type=float, help="The most that the metric may be.")
@click.option("--yes", is_flag=True, help="Ask nothing; take what is likely.")
def command(
    folder: Path,
    name: str | None,
    artifact: str | None,
    data: str | None,
    target: str | None,
    task: str | None,
    metric: str | None,
    minimum: float | None,
    maximum: float | None,
    yes: bool,
) -> int:
    """Look at a repository and write a model.yaml for what is found.

    Finds the artifact by its content, the held-out data by its name and the target by its column; asks where
    something is not clear. Never changes a file that is there.
    """
    from mlci import scaffold
    from mlci.cli import console
    from mlci.metrics import METRICS

    target_file = folder / "model.yaml"
    if not folder.is_dir():
        raise UsageError(f"`{folder}` is no folder", hint="make it, and put the model there")
    if target_file.exists():
        raise UsageError(f"`{target_file}` is there already", hint="mlci validate, then mlci check")
    if metric is not None and metric not in METRICS:
        raise UsageError(f"there is no metric `{metric}`", hint=f"one of: {', '.join(METRICS)}")
    ask = _Asker(quiet=yes or not sys.stdin.isatty())
    found = scaffold.look(folder)
    _tell(found)
    chosen = artifact or _artifact(found, ask)
    data = data or found.likely_data() or ask.maybe("Held-out data (a CSV or parquet file; empty for none)")
    columns = _columns(folder, data) if data else {}
    if data and target is None:
        target = scaffold.likely_target(list(columns)) or ask.column(data, list(columns))
    if target is not None and columns and target not in columns:
        raise UsageError(f"`{data}` has no column `{target}`", hint=f"its columns: {', '.join(list(columns)[:20])}")
    if target is not None and task is None and columns:
        task = scaffold.likely_task(columns[target])
    runtime = next((item.runtime for item in found.artifacts if item.path == chosen), None)
    # a file of predictions is never taken for a model unless it is named as one
    as_predictions = runtime is None and chosen.endswith((".csv", ".parquet"))
    answers = scaffold.Answers(
        name=name or scaffold.name_from(folder.resolve()),
        artifact=chosen,
        runtime="predictions" if as_predictions else runtime if found.interpreter and runtime else "auto",
        python=found.interpreter if runtime else None,
        data=data,
        target=target,
        task=task,
        metric=metric or ("rmse" if task == "regression" else "accuracy"),
        limits={side: bound for side, bound in (("min", minimum), ("max", maximum)) if bound is not None},
        card=found.card,
    )
    text = scaffold.manifest_text(answers)
    wrong = scaffold.problems(text, folder.resolve())
    if wrong:
        raise UsageError(
            f"no manifest was written: {wrong[0]}", hint="name the right file or value with an option, see --help"
        )
    try:
        with target_file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        from mlci.errors import OutsideFailed

        raise OutsideFailed(f"`{target_file}` cannot be written: {(error.strerror or '').lower()}") from None
    console.say(f"\nwrote {target_file}:\n\n{text}")
    _tell_missing(found, answers.data, answers.target, runtime or ("predictions" if as_predictions else None))
    return ExitCode.OK


class _Asker:
    """Asks on a terminal; elsewhere says which option would have answered."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet

    def need(self, question: str, option: str) -> str:
        if self.quiet:
            raise UsageError(f"{question.lower()} is not clear", hint=f"name it with {option}")
        answer: str = click.prompt(question, err=True)
        return answer

    def maybe(self, question: str) -> str | None:
        if self.quiet:
            return None
        return click.prompt(question, default="", show_default=False, err=True) or None

    def column(self, data: str, columns: list[str]) -> str:
        if not self.quiet and columns:
            click.echo(f"{data} has the columns {', '.join(columns[:40])}", err=True)
        return self.need("The target column", "--target")


def _tell(found: Found) -> None:
    from mlci.cli import console
    from mlci.content import KINDS

    for item in found.artifacts[:10]:
        console.say(f"found {item.path}: {KINDS[item.kind]}")
    for path in found.tables[:10]:
        console.say(f"found {path}: data")


def _artifact(found: Found, ask: _Asker) -> str:
    likely = found.likely_artifact()
    if likely is not None and (ask.quiet or len(found.artifacts) == 1):
        return likely.path
    if likely is not None:
        return str(click.prompt("The artifact", default=likely.path, err=True))
    return ask.need("The artifact (the model file or folder)", "--artifact PATH")


def _columns(folder: Path, data: str) -> dict[str, Any]:
    """The columns of the data with their values; empty where the extra that reads them is not installed."""
    from mlci.content import kind_of
    from mlci.repo import WorkTree, refusal

    tree = WorkTree(folder.resolve())
    if tree.entry(data).kind != "file":
        raise refusal(tree.entry(data))
    try:
        from mlci.tables.duck import READS, open_table

        kind = kind_of(tree.head(data, 512))
        if kind not in READS:
            raise UsageError(f"`{data}` is no CSV or parquet file")
        table = open_table([tree.local(data)], kind, data, threads=1)
    except MissingExtra:
        return {}
    try:
        return dict(table.arrays([column.name for column in table.columns]))
    finally:
        table.close()


def _tell_missing(found: Found, data: str | None, target: str | None, runtime: str | None) -> None:
    from mlci.cli import console

    missing = []
    if data is None:
        missing.append("held-out data: without it no quality can be measured (add `datasets:`)")
    elif target is None:
        missing.append("a target: say which column is predicted (add `target:` to the dataset)")
    if runtime is None:
        missing.append("a runtime: nothing here can run this artifact yet; save it as ONNX or skops")
    if not found.card:
        missing.append("a model card: write MODEL_CARD.md and add `- card` to the checks (mlci explain card)")
    if missing:
        console.say("still missing:\n" + "".join(f"  - {item}\n" for item in missing))
    console.say("next: mlci check, then set limits to what you can promise (min:, max:)")
