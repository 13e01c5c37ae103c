"""``mlci demo``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlci.errors import ExitCode


@click.command(
    "demo",
    epilog="""\b
Examples:
  mlci demo
  mlci demo /tmp/somewhere-new
""",
)
@click.argument("folder", default="mlci-demo", type=click.Path(path_type=Path))
def command(folder: Path) -> int:
    """A real model on real data through the whole road, in one folder.

    Lays out a git repository in FOLDER (mlci-demo if none is named), trains a model of breast cancer on data that
    scikit-learn ships, measures it, then breaks it and shows the refusal. No network, no account.
    """
    from importlib.util import find_spec

    from mlci.cli import console
    from mlci.demo.road import Road, ended_well, new_folder, require_libraries
    from mlci.world import World

    world = World()
    require_libraries(find_spec)
    world.require_program("git", hint="install git; the demo makes a repository with it")
    made = new_folder(folder)
    with console.progress(world) as tell:
        decisions = Road(made, world, console.say, tell).walk()
    if not ended_well(decisions):
        console.complain("error[demo]: the good model should pass and the worse one be refused; please report this")
        return ExitCode.FAILED
    mlci = "mlci" if world.has_program("mlci") else str(Path(sys.argv[0]).absolute())
    there = "" if folder == Path() else f", after `cd {folder}`"
    console.say(
        f"""
The worse candidate was refused, with the line of model.yaml that sets each limit: `mlci check` ended with 1, and so
would the pull request. Try next{there}:

  {mlci} explain beats-trivial        what a check looks at, and why
  {mlci} check --only data --output - the data checks alone
  {mlci} report --format markdown     the same report for a pull request
  git switch main && {mlci} check     the good model again"""
    )
    return ExitCode.OK
