"""The artifact is there, and is what its name says.

What: The file or folder that `artifact:` names exists in this checkout as itself (no Git LFS or DVC pointer, no
symbolic link), its content is what its name promises, and it keeps its size budget. Content is told from the first
bytes. Every model has this check without asking for it.

Why: A pointer, an empty file or a saved error page in place of a model is found by the first user of the model,
unless somebody looks before.

Example:
    checks:
      - artifact: {type: onnx, size: {max: 50MiB}}

Fix: Fetch the content (`git lfs pull`, `dvc pull`), export the model again, or raise the budget in the pull request
that says why.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import quantities, schema
from mlci.case import Case, error
from mlci.content import FETCH, KINDS, RUNS_CODE
from mlci.errors import MlciError
from mlci.findings import Finding, Level
from mlci.repo import refusal
from mlci.results import Measurement

GROUP = "files"
SCOPE = schema.MODEL
OPTIONS = schema.options(
    type={"enum": sorted(KINDS), "description": "the kind of content"},
    size={**schema.options(max=schema.SIZE), "description": "{max: 50MiB}"},
)

# what a suffix promises; a name that is not here promises nothing
_PROMISES = {
    ".onnx": ("onnx",),
    ".skops": ("skops",),
    ".safetensors": ("safetensors",),
    ".gguf": ("gguf",),
    ".tflite": ("tflite",),
    ".keras": ("keras",),
    ".h5": ("hdf5",),
    ".ubj": ("xgboost-ubj", "unknown"),
    ".pmml": ("pmml",),
    ".parquet": ("parquet",),
    ".npy": ("npy",),
    ".npz": ("npz",),
    ".csv": ("text",),
    ".json": ("json", "xgboost-json", "text"),
}
_NEVER_A_MODEL = {
    "html": "download it again: the server answered with a page",
    "empty": "export the model again",
}


def check(case: Case) -> Iterator[Finding | Measurement]:
    model = case.model
    path = model.path(model.artifact)
    at = model.at("artifact")
    entry = case.bench.repo.entry(path)
    if entry.kind not in ("file", "folder"):
        refused = refusal(entry)
        yield error(refused.message, at, refused.hint)
        return
    try:
        files = case.bench.repo.files(path)
    except MlciError as refused_below:
        yield error(refused_below.message, at, refused_below.hint)
        return
    if not files:
        yield error(f"the folder `{model.artifact}` holds no file", at, "commit the model's files")
        return
    for name in files:
        if (kind := case.bench.content(name).kind) in FETCH:
            yield error(f"`{name}` is {KINDS[kind]}", at, FETCH[kind])
            return
    size = sum(case.bench.repo.entry(name).size for name in files)
    yield Measurement(
        name="artifact size", value=size, unit="bytes", limits=case.limits("size", read=quantities.size), at=at
    )
    yield from _kind(case, "folder" if entry.kind == "folder" else case.bench.content(path).kind)


def _kind(case: Case, kind: str) -> Iterator[Finding]:
    artifact, at = case.model.artifact, case.model.at("artifact")
    wanted = case.options.get("type")
    if wanted and kind != wanted:
        yield error(f"`{artifact}` is {KINDS[kind]}, expected {KINDS[wanted]}", case.at("type") or at)
        return
    if kind in _NEVER_A_MODEL:
        yield error(f"`{artifact}` is {KINDS[kind]}", at, _NEVER_A_MODEL[kind])
        return
    suffix = "." + artifact.rsplit(".", 1)[-1].lower()
    promised = _PROMISES.get(suffix)
    if promised and kind != "folder" and kind not in promised:
        yield error(
            f"`{artifact}` is named `{suffix}` and is {KINDS[kind]}",
            at,
            "export the model again, or name it as what it is",
        )
    elif kind in RUNS_CODE:
        yield Finding(
            Level.WARNING,
            f"`{artifact}` is {KINDS[kind]}",
            at,
            "save it as skops, ONNX or the framework's own safe format",
        )
