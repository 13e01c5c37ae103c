"""``mlci list``."""

from __future__ import annotations

from typing import Any

import click


@click.command(
    "list",
    epilog="""\b
Examples:
  mlci list
  mlci list checks
  mlci list models --changed-since origin/main --format json
""",
)
@click.argument("what", type=click.Choice(["models", "checks", "runtimes", "reporters"]), default="models")
@click.option("--changed-since", metavar="REF", help="Only the models that the changes since REF touch.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def command(what: str, changed_since: str | None, format_: str) -> None:
    """List the models of a repository, or the plugins that are known."""
    from mlci.cli import console
    from mlci.reporters.terminal import table

    rows = _models(changed_since) if what == "models" else _plugins(what)
    if format_ == "json":
        console.say_json(rows)
    elif rows:
        console.say(table([[str(value) for value in row.values()] for row in rows], list(rows[0])))
    else:
        console.say("none")


def _models(changed_since: str | None) -> list[dict[str, Any]]:
    from mlci.selection import Selection, load
    from mlci.workspace import open_workspace
    from mlci.world import World

    with open_workspace(World()) as workspace:
        loaded = load(workspace, Selection(changed_since=changed_since))
    return [
        {
            "model": item.name,
            "manifest": item.path,
            "artifact": item.model.path(item.model.artifact) if item.model else "",
            "runtime": item.model.runtime if item.model else "",
            "problem": item.error.message if item.error else "",
        }
        for item in loaded
    ]


def _plugins(what: str) -> list[dict[str, Any]]:
    from mlci import registry

    return [
        {what.removesuffix("s"): name, "summary": registry.summary(registry.find(what, name))}
        for name in registry.names(what)
    ]
