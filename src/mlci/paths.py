"""Paths as a manifest writes them: what is wrong with one can be told before any file is touched."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_GLOB = re.compile(r"[*?\[]")


def is_glob(path: str) -> bool:
    return bool(_GLOB.search(path))


def lexical_problem(path: str, *, globs: bool = False, folder: str = "") -> str:
    """Why ``path``, written in a file of ``folder``, is not a path inside the repository; ``""`` if it is one."""
    outside = "nothing outside the repository is read"
    if not path.strip():
        return f"an empty path names no file, and {outside}"
    if "\\" in path:
        return f"a backslash does not separate folders here, and {outside}"
    if _SCHEME.match(path):
        return f"it is a URL or a drive, and {outside}"
    if path.startswith("/"):
        return f"it is absolute, and {outside}"
    if path.startswith("~"):
        return f"it begins with a home folder, and {outside}"
    if not globs and is_glob(path):
        return f"one file or folder is expected, not a pattern, and {outside}"
    depth = len([part for part in folder.split("/") if part])
    for part in path.split("/"):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return "it leads outside the repository"
    if ".git" in path.lower().split("/"):
        return f"`.git` belongs to git, not to the work tree, and {outside}"
    return ""


def and_above(path: str) -> Iterator[str]:
    """A path, and every folder that it stands in but the root."""
    while path:
        yield path
        path = path.rpartition("/")[0]


class Names(Protocol):
    """What a pattern is held against."""

    def names(self, folder: str) -> Mapping[str, bool]:
        """The names in a folder, and whether each is a folder that may be entered; none in what is no folder."""

    def exists(self, path: str) -> bool: ...


class Paths:
    """Paths of files, as the folders that they make."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.folders: dict[str, dict[str, bool]] = {"": {}}
        for path in paths:
            folder, _, name = path.rpartition("/")
            deep = False
            while name:
                inside = self.folders.setdefault(folder, {})
                inside[name] = deep or inside.get(name, False)
                above, _, name = folder.rpartition("/")
                folder, deep = above, True

    def names(self, folder: str) -> Mapping[str, bool]:
        return self.folders.get(folder, {})

    def exists(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return name in self.names(folder)


def expand(pattern: str, held: Names) -> list[str]:
    """The paths that a pattern names, sorted.

    ``*``, ``?`` and ``[...]`` stay within one name; ``**`` is any number of folders and, at the end, every file below.
    None of them stands for a dot at the start of a name, and none follows a link.
    """
    *above, last = pattern.split("/")
    folders = [""]
    for part in (*above, last) if last == "**" else above:
        folders = _below(part, folders, held)
    if last != "**" and not is_glob(last):
        return sorted({path for folder in folders if held.exists(path := _join(folder, last))})
    return sorted(
        {
            _join(folder, name)
            for folder in folders
            for name, deep in held.names(folder).items()
            if _matches(last, name) and not (deep and last == "**")
        }
    )


def _below(part: str, folders: list[str], held: Names) -> list[str]:
    """Where one part of a pattern leads from these folders."""
    if not is_glob(part):
        return [_join(folder, part) for folder in folders]
    if part != "**":
        return [
            _join(folder, name)
            for folder in folders
            for name, deep in held.names(folder).items()
            if deep and _matches(part, name)
        ]
    found = dict.fromkeys(folders)
    waiting = list(found)
    while waiting:
        folder = waiting.pop()
        inner = [_join(folder, name) for name, deep in held.names(folder).items() if deep and _matches(part, name)]
        waiting += [path for path in inner if path not in found]
        found |= dict.fromkeys(inner)
    return list(found)


def _matches(part: str, name: str) -> bool:
    if name == ".git" or (name.startswith(".") and not part.startswith(".")):
        return False
    return fnmatch.fnmatchcase(name, part)


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
