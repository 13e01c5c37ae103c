"""Folders named ``key=value`` that a table is divided into (Hive's way), as columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mlci.escape import line
from mlci.tables.unreadable import folded, unreadable


def common(files: Sequence[Path]) -> Path:
    """The folder below which the files differ."""
    return Path(os.path.commonpath([path.parent for path in files]))


def keys(files: Sequence[Path], root: Path, label: str) -> tuple[str, ...]:
    """The keys of the folders below ``root``, the same for every file; none where no folder is named like that."""
    found = {_of(path.relative_to(root).parts[:-1]): path for path in files}
    (first, one), *others = found.items()
    for names, path in others:
        raise unreadable(
            label,
            f"`{line(_shown(one, root))}` stands in folders of {_said(first)}, and `{line(_shown(path, root))}` of"
            f" {_said(names)}",
            "let every file stand in folders of the same keys",
        )
    above = {folded(name) for name in _of(root.parts)}
    twice = [name for name in first if folded(name) in above or sum(folded(n) == folded(name) for n in first) > 1]
    if twice:
        raise unreadable(
            label, f"two of the folders it stands in are named `{line(twice[0])}=`", "name one of them otherwise"
        )
    return first


def foreign(root: Path) -> tuple[str, ...]:
    """Keys of folders above, which say nothing of the table."""
    return tuple(dict.fromkeys(_of(root.parts)))


def _of(folders: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key, is_one, _ in (folder.partition("=") for folder in folders) if is_one and key)


def _said(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{line(name)}=`" for name in names) or "no key"


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
