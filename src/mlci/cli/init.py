"""``mlci init``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mlci.errors import UsageError

TASKS = ("binary", "multiclass", "regression")


@click.command(
    "init",
    epilog="""\b
Examples:
  mlci init                                  asks where something is not clear
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
) -> None:
    """Look at a repository and write a model.yaml for what is found.

    Finds the artifact by its content, the held-out data by its name and the target by its column; asks where
    something is not clear. Never changes a file that is there.
    """
    from mlci import escape, scaffold
    from mlci.cli import console
    from mlci.content import KINDS

    if not folder.is_dir():
        raise UsageError(f"`{folder}` is no folder", hint="make it, and put the model there")
    root = folder.resolve()
    if (root / "model.yaml").exists():
        raise UsageError(f"`{folder / 'model.yaml'}` is there already", hint="mlci validate, then mlci check")
    limits = {side: bound for side, bound in (("min", minimum), ("max", maximum)) if bound is not None}
    given = scaffold.Answers(
        name=name, artifact=artifact, data=data, target=target, task=task, metric=metric, limits=limits
    )
    found = scaffold.look(root)
    for item in found.artifacts[:10]:
        console.say(escape.log(f"found {item.path}: {KINDS[item.kind]}"))
    for path in found.tables[:10]:
        console.say(escape.log(f"found {path}: data"))
    answers = scaffold.complete(root, found, given, _Asker(quiet=yes or not sys.stdin.isatty()))
    text = scaffold.write(root, answers)
    console.say(f"\nwrote {folder / 'model.yaml'}:\n\n{text}\n")
    lacks = scaffold.missing(found, answers, root)
    if lacks:
        console.say("\n".join(["still missing:", *(f"  - {what}" for what in lacks), ""]))
    console.say("next: mlci check, then set limits to what you can promise (min:, max:)")
    console.say("      (it writes report.json; add that to .gitignore)")


class _Asker:
    """Asks on a terminal; elsewhere says which option would have answered."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet

    def choose(self, question: str, option: str, likely: Sequence[str]) -> str:

        if self.quiet:
            hint = f"name it with {option}" + (f": {', '.join(likely[:20])}" if likely else "")
            raise UsageError(f"{question} {'is not clear' if likely else 'was not found'}", hint=hint)
        if likely:
            click.echo(f"It could be: {', '.join(likely[:40])}", err=True)
        answer: str = click.prompt(
            question[0].upper() + question[1:], default=likely[0] if len(likely) == 1 else None, err=True
        )
        return answer

    def maybe(self, question: str) -> str | None:
        if self.quiet:
            return None
        return click.prompt(question, default="", show_default=False, err=True) or None
