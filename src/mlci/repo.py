"""A repository of models, read from its work tree or from a commit, and never past its edge."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from mlci.errors import LimitReached, PathRefused
from mlci.escape import line
from mlci.paths import Paths, and_above, expand, is_glob, lexical_problem

if TYPE_CHECKING:
    from mlci.git import Git

MANIFEST = "model.yaml"
CONFIG = "mlci.yaml"
CARD = "MODEL_CARD.md"
MAX_FILES = 50_000
LFS_HEAD = b"version https://git-lfs.github.com/spec/v1"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path: ``file``, ``folder``, ``missing``, ``symlink``, ``special``, ``dvc-pointer``."""

    path: str
    kind: str
    size: int = 0
    detail: str = ""


class Repo(Protocol):
    """What the rest of mlci may ask of a repository. Paths are relative to its root, with forward slashes."""

    @property
    def label(self) -> str:
        """How a person is told which repository this is."""

    def entry(self, path: str) -> Entry: ...

    def read(self, path: str, limit: int) -> bytes:
        """The whole file. Raises PathRefused, or LimitReached above ``limit`` bytes."""

    def head(self, path: str, size: int) -> bytes:
        """The first ``size`` bytes of a file."""

    def digest(self, path: str) -> str:
        """sha256 of a file, hexadecimal."""

    def files(self, path: str) -> list[str]:
        """The regular files at or below ``path``, sorted. Raises PathRefused if there is anything else."""

    def glob(self, pattern: str) -> list[str]:
        """The paths that a pattern names (``paths.expand``); of a plain path itself, if anything is known of it."""

    def local(self, path: str) -> Path:
        """A path on disk that holds this file or folder, for a program that needs one."""

    def place(self, path: str) -> Path:
        """The path that ``local`` will answer; nothing is looked at or copied."""


def manifests(repo: Repo, globs: Sequence[str]) -> list[str]:
    """The manifests of a repository: the one at its root, and those in the folders that the globs name."""
    found = {MANIFEST} if repo.entry(MANIFEST).kind != "missing" else set()
    for pattern in globs:
        found.update(repo.glob(f"{pattern.rstrip('/')}/{MANIFEST}"))
    return sorted(found)


def is_lfs_pointer(head: bytes) -> bool:
    """Whether a file is what Git LFS leaves in place of one that was not fetched (LFS specification, v1)."""
    return head.startswith(LFS_HEAD)


class WorkTree:
    """The files as they are on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def label(self) -> str:
        return line(self.root.name)

    def entry(self, path: str) -> Entry:
        _check(path)
        parts = path.split("/") if path else []
        for end in range(1, len(parts) + 1):
            part = "/".join(parts[:end])
            try:
                status = os.lstat(f"{self.root}/{part}")
            except (FileNotFoundError, NotADirectoryError):
                return self._missing(path)
            except OSError as error:
                return Entry(path, "special", detail=error.strerror or "cannot be read")
            if stat.S_ISLNK(status.st_mode):
                return Entry(path, "symlink", detail=self._link(part))
        if not parts or stat.S_ISDIR(status.st_mode):
            return Entry(path, "folder")
        if stat.S_ISREG(status.st_mode):
            return Entry(path, "file", status.st_size)
        return Entry(path, "special", detail="it is a device, a pipe or a socket")

    def _missing(self, path: str) -> Entry:
        for tracked in and_above(path):
            if not self.exists(tracked) and os.path.isfile(self.root / f"{tracked}.dvc"):
                detail = f"`{line(tracked)}.dvc` names it, but its content is not in this checkout"
                return Entry(path, "dvc-pointer", detail=detail)
        return Entry(path, "missing")

    def _link(self, part: str) -> str:
        try:
            os.stat(self.root / part)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return f"`{line(part)}` is a symbolic link that leads back to itself (ELOOP)"
        return f"`{line(part)}` is a symbolic link, which may lead outside the repository"

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """The file, opened folder by folder without following a link. Raises PathRefused."""
        _check(path)
        *folders, name = path.split("/")
        held = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for folder in folders:
                below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=held)
                os.close(held)
                held = below
            # O_NONBLOCK: a named pipe must not wait for its other end
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=held)
        except OSError as error:
            raise self._refusal(path, error) from None
        finally:
            os.close(held)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise refusal(self.entry(path))
        with os.fdopen(descriptor, "rb") as stream:
            yield stream

    def _refusal(self, path: str, error: OSError) -> PathRefused:
        entry = self.entry(path)
        if entry.kind == "file":
            return PathRefused(f"`{line(path)}` cannot be read: {(error.strerror or '').lower()}")
        return refusal(entry)

    def read(self, path: str, limit: int) -> bytes:
        with self.open(path) as stream:
            raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise LimitReached(f"`{line(path)}` has more than {limit:,} bytes")
        return raw

    def head(self, path: str, size: int) -> bytes:
        with self.open(path) as stream:
            return stream.read(size)

    def digest(self, path: str) -> str:
        with self.open(path) as stream:
            return _sha256(stream)

    def files(self, path: str) -> list[str]:
        entry = self.entry(path)
        if entry.kind == "file":
            return [path]
        if entry.kind != "folder":
            raise refusal(entry)
        found: list[str] = []
        stack = [path]
        while stack:
            folder = stack.pop()
            for item in self._scan(folder):
                name = f"{folder}/{item.name}" if folder else item.name
                if item.is_dir(follow_symlinks=False):
                    stack.append(name)
                elif item.is_file(follow_symlinks=False):
                    found.append(name)
                else:
                    raise refusal(self.entry(name))
                if len(found) + len(stack) > MAX_FILES:
                    raise LimitReached(f"`{line(path)}` holds more than {MAX_FILES:,} files")
        return sorted(found)

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return list(entries)
        except OSError as error:
            raise PathRefused(f"`{line(folder)}` cannot be read: {(error.strerror or '').lower()}") from None

    def glob(self, pattern: str) -> list[str]:
        if not is_glob(pattern):
            return [pattern] if self.entry(pattern).kind != "missing" else []
        _check(pattern)
        return expand(pattern, self)

    def names(self, folder: str) -> Mapping[str, bool]:
        if self.entry(folder).kind != "folder":
            return {}
        # a link to a folder counts as one: what a pattern finds behind it is refused by name, and not left out
        return {
            item.name: item.is_dir(follow_symlinks=False) or (item.is_symlink() and os.path.isdir(item))
            for item in self._scan(folder)
        }

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.root / path)

    def place(self, path: str) -> Path:
        return self.root / path

    def local(self, path: str) -> Path:
        entry = self.entry(path)
        if entry.kind not in ("file", "folder"):
            raise refusal(entry)
        return self.root / path


class CommitTree:
    """The files as a commit holds them; what a program needs on disk is copied to ``scratch``."""

    def __init__(self, git: Git, commit: str, scratch: Path) -> None:
        self.git = git
        self.commit = commit
        self.scratch = scratch
        self._tree = git.tree(commit)
        self._paths = Paths(self._tree)
        self._held: dict[str, bytes] = {}
        self._copying = threading.Lock()

    @property
    def label(self) -> str:
        return f"{line(self.git.root.name)} at {self.commit[:12]}"

    def entry(self, path: str) -> Entry:
        _check(path)
        if path in self._tree:
            mode, _, size = self._tree[path]
            if mode == "120000":
                return Entry(
                    path, "symlink", detail=f"`{line(path)}` is a symbolic link, which may lead outside the repository"
                )
            if mode == "160000":
                return Entry(path, "special", detail="it is a submodule")
            return Entry(path, "file", size)
        if path in self._paths.folders:
            return Entry(path, "folder")
        for above in and_above(path):
            if f"{above}.dvc" in self._tree:
                detail = f"`{line(above)}.dvc` names it, but its content is not in git"
                return Entry(path, "dvc-pointer", detail=detail)
            if above in self._tree and self._tree[above][0] == "120000":
                return Entry(
                    path,
                    "symlink",
                    detail=f"a folder of `{line(path)}` is a symbolic link, which may lead outside the repository",
                )
        return Entry(path, "missing")

    def hold(self, paths: Sequence[str]) -> None:
        """Read many small files with one call to git, for the calls of ``read`` that follow."""
        small = (path for path in paths if self.entry(path).size <= _CHUNK)
        wanted = [path for path in small if self.entry(path).kind == "file"]
        self._held |= dict(zip(wanted, self.git.blobs([self._tree[path][1] for path in wanted]), strict=True))

    def read(self, path: str, limit: int) -> bytes:
        entry = self.entry(path)
        if entry.kind != "file":
            raise refusal(entry)
        if entry.size > limit:
            raise LimitReached(f"`{line(path)}` has more than {limit:,} bytes")
        return self._held[path] if path in self._held else self.git.blobs([self._tree[path][1]])[0]

    def head(self, path: str, size: int) -> bytes:
        with self.local(path).open("rb") as stream:
            return stream.read(size)

    def digest(self, path: str) -> str:
        with self.local(path).open("rb") as stream:
            return _sha256(stream)

    def files(self, path: str) -> list[str]:
        entry = self.entry(path)
        if entry.kind == "file":
            return [path]
        if entry.kind != "folder":
            raise refusal(entry)
        found = sorted(other for other in self._tree if other.startswith(f"{path}/" if path else ""))
        for other in found:
            if self.entry(other).kind != "file":
                raise refusal(self.entry(other))
        return found

    def glob(self, pattern: str) -> list[str]:
        if not is_glob(pattern):
            return [pattern] if self.entry(pattern).kind != "missing" else []
        _check(pattern)
        return expand(pattern, self._paths)

    def place(self, path: str) -> Path:
        return self.scratch / path

    def local(self, path: str) -> Path:
        target = self.scratch / path
        with self._copying:
            for name in self.files(path):
                copy = self.scratch / name
                if not copy.exists():
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(self.git.blobs([self._tree[name][1]])[0])
        return target


def _sha256(stream: BinaryIO) -> str:
    import hashlib

    state = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        state.update(chunk)
    return state.hexdigest()


def find_git(start: Path) -> Path | None:
    """The work tree that ``start`` stands in, found without starting git."""
    for folder in (start, *start.parents):
        git = folder / ".git"
        # a folder without HEAD is no repository; a file leads to one: a worktree, a submodule
        if git.is_file() or (git / "HEAD").exists():
            return folder
    return None


def _check(path: str) -> None:
    # a file's own name may look like a pattern; whether one is allowed was asked where it was written
    problem = lexical_problem(path, globs=True) if path else ""
    if problem:
        raise PathRefused(f"`{line(path)}` is refused: {problem}")


def refusal(entry: Entry) -> PathRefused:
    """The error for a path that does not hold what was wanted."""
    name = f"`{line(entry.path)}`"
    if entry.kind == "missing":
        return PathRefused(f"{name} is not there", hint="check the spelling, and that the file is committed")
    if entry.kind == "symlink":
        return PathRefused(f"{name} is refused: {entry.detail}", hint="commit the file itself in place of the link")
    if entry.kind == "dvc-pointer":
        return PathRefused(f"{name} is tracked by DVC: {entry.detail}", hint=f"dvc pull {line(entry.path)}")
    if entry.kind == "folder":
        return PathRefused(f"{name} is a folder, expected a file")
    return PathRefused(f"{name} is not a regular file: {entry.detail}")
