"""Which checks are run on a model, and which models are looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Level
from mlci.manifest import CheckSpec, Config, Model
from mlci.schema import DATA, Schema


class Kind(Protocol):
    """What a check's module declares of itself."""

    GROUP: str
    SCOPE: str
    OPTIONS: Schema


@dataclass(frozen=True, slots=True)
class Only:
    """A selection of checks: groups and ids; empty means all."""

    words: frozenset[str] = frozenset()

    def __contains__(self, item: tuple[str, str]) -> bool:
        """Whether ``(check, group)`` is selected."""
        return not self.words or not self.words.isdisjoint(item)


def specs(model: Model, config: Config, only: Only, kind: Callable[[str], Kind]) -> list[CheckSpec]:
    """The checks of a model: what it asks for, what goes without saying, what the repository requires.

    A check that ``only`` names by its id runs with its default options where the model does not ask for it.
    """
    asked = [*model.checks_of(data=True), *model.checks_of(data=False)]
    declared = {spec.check for spec in asked}
    implied = [
        CheckSpec(check="columns", id=f"columns-{d.name}", dataset=d.name, pointer=d.columns_pointer)
        for d in model.datasets.values()
        if d.columns and all(spec.check != "columns" for spec in d.checks)
    ]
    wanted = ["artifact", *config.require, *sorted(only.words)]
    extra = [
        CheckSpec(check=check, id=check)
        for check in dict.fromkeys(wanted)
        if check not in declared and (check == "artifact" or check in config.require or _runs_alone(check, kind))
    ]
    every = [*extra, *implied, *asked]
    chosen = [spec for spec in every if (spec.check, kind(spec.check).GROUP) in only]
    # a model may tighten what the repository requires, never loosen it
    return [
        replace(spec, required=True, severity=Level.ERROR) if spec.check in config.require else spec for spec in chosen
    ]


def _runs_alone(check: str, kind: Callable[[str], Kind]) -> bool:
    try:
        module = kind(check)
    except UsageError:
        return False  # the word names a group
    return module.SCOPE != DATA and not module.OPTIONS.get("required")


def with_defaults(spec: CheckSpec, config: Config) -> dict[str, object]:
    """The options of a check: as asked, over the repository's defaults."""
    return {**config.defaults.get(spec.check, {}), **spec.options}


def shard(names: Sequence[str], part: str) -> list[str]:
    """The names of shard ``i/n`` (1-based); together the n shards are all names, each once.

    Raises UsageError unless ``part`` is two whole numbers with 1 <= i <= n.
    """
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", part)
    index, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= index <= count:
        raise UsageError(f"`--shard` is `{line(part)}`, expected i/n with 1 <= i <= n, such as 2/8")
    return list(names)[index - 1 :: count]


def touched(paths_of: Mapping[str, Iterable[str]], changed: Iterable[str]) -> set[str]:
    """The models one of whose paths was changed; a folder counts for everything below it."""
    changes = set(changed)
    folders: set[str] = set()
    for path in changes:
        parts = path.split("/")
        folders.update("/".join(parts[:end]) for end in range(1, len(parts)))
    return {name for name, paths in paths_of.items() if any(path in changes or path in folders for path in paths)}
