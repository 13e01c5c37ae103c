"""Which checks are run on a model, and which models are looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from mlci import quantities
from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Level
from mlci.schema import DATA, Schema
from mlci.specs import CheckSpec, Config, Model


class Kind(Protocol):
    """What a check's module declares of itself."""

    GROUP: str
    SCOPE: str
    OPTIONS: Schema


@dataclass(frozen=True, slots=True)
class Only:
    """A selection of checks: groups, checks, and ids of a model's checks; empty means all."""

    words: frozenset[str] = frozenset()

    def __contains__(self, item: tuple[str, str, str]) -> bool:
        """Whether ``(check, group, id)`` is selected."""
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
    ] + [
        CheckSpec(check="contract", id=f"contract-{d.name}", dataset=d.name, pointer=("datasets", d.name, "contract"))
        for d in model.datasets.values()
        if d.contract and all(spec.check != "contract" for spec in d.checks)
    ]
    wanted = ["artifact", *config.require, *sorted(only.words)]
    extra = [
        CheckSpec(check=check, id=check)
        for check in dict.fromkeys(wanted)
        if check not in declared and (check == "artifact" or check in config.require or _runs_alone(check, kind))
    ]
    every = [*extra, *implied, *asked]
    chosen = [spec for spec in every if (spec.check, kind(spec.check).GROUP, spec.id) in only]
    # a model may tighten what the repository requires, never loosen it
    return [
        replace(spec, required=True, severity=Level.ERROR) if spec.check in config.require else spec for spec in chosen
    ]


def fast(
    specs: Iterable[CheckSpec], datasets: Container[str], kind: Callable[[str], Kind], is_known: Callable[[str], bool]
) -> list[CheckSpec]:
    """Of the checks of these datasets those that one scan of it answers.

    They need nothing but the dataset, or of another one the committed profile, and ``is_known`` says that it has one.
    """

    def is_fast(spec: CheckSpec) -> bool:
        module = kind(spec.check)
        named = module.OPTIONS.get("properties", {})
        others = [
            str(value)
            for key, value in spec.options.items()
            if named.get(key, {}).get("$ref") == "#/$defs/dataset-name" and value != spec.dataset
        ]
        return not others or (getattr(module, "FROM_PROFILE", False) and all(map(is_known, others)))

    return [spec for spec in specs if spec.dataset in datasets and is_fast(spec)]


def _runs_alone(check: str, kind: Callable[[str], Kind]) -> bool:
    try:
        module = kind(check)
    except UsageError:
        return False  # the word names a group, or one check of a model
    return module.SCOPE != DATA and not module.OPTIONS.get("required")


def with_defaults(spec: CheckSpec, config: Config) -> dict[str, object]:
    """The options of a check: as asked, over the repository's defaults.

    Of a check that the repository requires, a model may tighten the defaults, never loosen them.
    """
    defaults = config.defaults.get(spec.check, {})
    return _tightened(spec.check, defaults, spec.options) if spec.required else {**defaults, **spec.options}


def _tightened(check: str, defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    shared = {key: _stricter(check, key, defaults[key], own[key]) for key in defaults.keys() & own.keys()}
    return {**defaults, **own, **shared}


_AT_LEAST = frozenset(("min", "mostly", "classes"))
"""Options of which the greater value is the stricter one."""
_AT_MOST = frozenset(
    ("max", "max_age", "change", "psi", "ks", "js", "cramers_v", "wasserstein", "missing", "new_categories")
)
"""Options of which the smaller one is."""
_KEYS = frozenset(("by", "on", "groups", "references"))
"""Columns that are held against others together: more of them let more rows through. Of other lists, each item asks
for more."""
_OF_KEYS = frozenset(("unique", "foreign-key"))
"""Checks whose ``columns`` are such a key."""


def _stricter(check: str, key: str, default: Any, own: Any) -> Any:
    """Of two values of one option the one that lets less through; the repository's where that cannot be told."""
    if key in _AT_LEAST | _AT_MOST:
        return _stricter_bound(max if key in _AT_LEAST else min, default, own)
    if isinstance(default, dict) and isinstance(own, dict):
        return _tightened(check, default, own)
    is_key = key in _KEYS or (key == "columns" and check in _OF_KEYS)
    if not is_key and isinstance(default, list) and isinstance(own, list):
        return [*default, *(item for item in own if item not in default)]
    return default


def _stricter_bound(choose: Callable[..., Any], default: Any, own: Any) -> Any:
    """The stricter bound on each level; a plain one is that of errors."""
    levels, ours = (held if isinstance(held, dict) else {"error": held} for held in (default, own))
    found = dict(levels)
    for level, bound in ours.items():
        try:
            found[level] = choose(levels.get(level, bound), bound, key=_number)
        except ValueError:
            continue
    return found if isinstance(default, dict) or isinstance(own, dict) else found["error"]


def _number(written: float | str) -> float:
    """A bound as a number, whatever its unit. Raises ValueError for what is none."""
    if not isinstance(written, str):
        return float(written)
    for read in (quantities.share, quantities.duration):
        try:
            return read(written)
        except ValueError:
            continue
    return quantities.size(written)


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
    folders = {folder for path in changes for folder in _above(path)}

    def is_touched(path: str) -> bool:
        # a change may also be a folder itself: a submodule that was moved to another commit
        return path in changes or path in folders or not changes.isdisjoint(_above(path))

    return {name for name, paths in paths_of.items() if any(is_touched(path) for path in paths)}


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]
