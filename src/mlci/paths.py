"""Paths as a manifest writes them: what is wrong with one can be told before any file is touched."""

from __future__ import annotations

import re

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
    if ".git" in path.split("/"):
        return f"`.git` belongs to git, not to the work tree, and {outside}"
    return ""
