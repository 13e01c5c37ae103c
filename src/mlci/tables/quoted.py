"""Names, texts and paths as DuckDB's SQL writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from mlci.tables.sql import name, text

__all__ = ["name", "no_glob", "paths", "text"]


def no_glob(path: str) -> str:
    """The path with nothing in it that DuckDB would expand."""
    return re.sub(r"[*?\[]", lambda found: f"[{found.group()}]", path)


def paths(files: Iterable[Path]) -> str:
    return "[" + ", ".join(text(no_glob(str(path))) for path in files) + "]"
