"""A dataset is the version that its manifest names.

What: The digest of the data is the one that is named: `sha256:` (which is also how Git LFS names a file), `md5:`, or
`dvc`, the digest that the `.dvc` pointer beside the file has. At least eight digits are compared, as many as are
written. The digest of several files is that of the list of their paths and digests.

Why: A model is judged on data; a file that changed under the same name makes two verdicts look like a change of the
model.

Example:
    datasets:
      test:
        path: data/test.parquet
        checks:
          - version: "sha256:9f86d081884c7d65"

Fix: Fetch the version that is named (`git lfs pull`, `dvc pull`), or name this one in the pull request that changes
the data.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import document, schema
from mlci.case import Case, error
from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Finding
from mlci.paths import is_glob

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options(
    "is",
    **{
        "is": {
            "type": "string",
            "pattern": "^(sha256:[0-9a-fA-F]{8,64}|md5:[0-9a-fA-F]{8,32}|dvc)$",
            "maxLength": 71,
            "description": "sha256: or md5: with at least 8 digits, or dvc",
        }
    },
)


def check(case: Case) -> Iterator[Finding]:
    written, at, old = case.options["is"], case.at("is"), False
    if not case.dataset.path:
        raise UsageError("a table of a connection has no bytes of its own, and no digest", at=at)
    if written == "dvc":
        wanted, old = _pointed_at(case)
        algorithm = "md5"
    else:
        algorithm, _, wanted = written.lower().partition(":")
    found = case.bench.identity(case.dataset.name, algorithm)
    if found.startswith(wanted):
        return
    hint = "fetch the version that is named, or name this one in the pull request that changes the data"
    if written == "dvc":
        hint = "`dvc checkout` brings back the file that the pointer names, `dvc add` takes in this one"
        if old:
            hint += "; DVC before 3.0 read CRLF as LF in texts, and its digest of such a file is another"
    shown = found[: max(12, len(wanted))]
    yield error(
        f"`{line(case.dataset.path)}` is {algorithm}:{shown}, expected {algorithm}:{wanted}{_by(written)}", at, hint
    )


def _by(written: str) -> str:
    return " as its `.dvc` pointer says" if written == "dvc" else ""


def _pointed_at(case: Case) -> tuple[str, bool]:
    """The MD5 in the pointer beside the dataset's file, and whether a DVC before 3.0 wrote it."""
    path, at = case.model.path(case.dataset.path), case.at("is")
    pointer = f"{path}.dvc"
    repo = case.bench.repo
    if is_glob(path) or repo.entry(pointer).kind != "file":
        raise UsageError(
            f"there is no pointer `{line(pointer)}`",
            hint="`dvc add` writes one for a file; for other data, name `sha256:` or `md5:`",
            at=at,
        )
    data = document.read(repo.read(pointer, 1 << 20), pointer, foreign=True).data
    outs = data.get("outs") if isinstance(data, dict) else None
    out = outs[0] if isinstance(outs, list) and len(outs) == 1 and isinstance(outs[0], dict) else {}
    name = path.rpartition("/")[2]
    if out.get("path") != name:
        raise UsageError(f"`{line(pointer)}` is no pointer of `{line(name)}`", hint="dvc add writes one", at=at)
    digest = str(out.get("md5", ""))
    if len(digest) != 32 or not all(char in "0123456789abcdef" for char in digest):
        what = "names a folder" if digest.endswith(".dir") else "has no MD5 of one file"
        raise UsageError(f"`{line(pointer)}` {what}", hint="name `sha256:` or `md5:`", at=at)
    return digest, "hash" not in out
