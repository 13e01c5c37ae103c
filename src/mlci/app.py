"""What the commands do, as functions: joins the engine with the plugins."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlci import __version__, bundle, document, gate, manifest, plan, registry, run, schema_guard
from mlci.case import Case
from mlci.errors import InvalidFile, MlciError, UsageError
from mlci.escape import line
from mlci.manifest import CheckSpec, Config, Model
from mlci.ports import Progress
from mlci.repo import CONFIG, WorkTree
from mlci.results import Finding, Level, ModelReport, Report, Result
from mlci.workbench import Workbench
from mlci.workspace import Workspace, read_config, references, two_of_a_name

MAX_REPORT = 64 << 20
_SERIAL = 200
"""Manifests below which a second process costs more than it saves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What part of a repository is looked at; everything left out means all of it."""

    models: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    changed_since: str | None = None
    only: tuple[str, ...] = ()
    shard: str | None = None

    def words(self) -> str:
        said = [
            *(f"--model {name}" for name in self.models),
            *([f"{len(self.paths)} paths"] if self.paths else []),
            *([f"--changed-since {self.changed_since}"] if self.changed_since else []),
            *(f"--only {word}" for word in self.only),
            *([f"--shard {self.shard}"] if self.shard else []),
        ]
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A manifest that was read: a model, or the error that says why not."""

    path: str
    model: Model | None
    error: MlciError | None = None

    @property
    def name(self) -> str:
        return self.model.name if self.model else self.path


# Validating ---------------------------------------------------------------------------------------------------


def validate(workspace: Workspace, paths: Sequence[str] = (), changed_since: str | None = None) -> tuple[list[str], list[Finding]]:
    """Hold manifests against their schemas and look whether the files they name are there.

    Looks at ``paths`` (from the root), else at those that changed since a revision, else at the whole repository.
    Returns the documents looked at, and what is wrong with them.
    """
    if paths:
        chosen = list(paths)
    else:
        chosen = [CONFIG] if workspace.repo.entry(CONFIG).kind != "missing" else []
        try:
            every = workspace.manifests()
        except InvalidFile as error:
            return [CONFIG], list(error.findings)
        chosen += every if changed_since is None else workspace.changed_manifests(changed_since, every)
        if changed_since is None and not every:
            raise nothing_here(workspace)
    findings: list[Finding] = []
    models: list[Model] = []
    limits = _limits(workspace)
    if len(chosen) < _SERIAL or not isinstance(workspace.repo, WorkTree):
        for path in chosen:
            found, name = _validate_one(workspace, path, limits)
            findings += found
            models += [name] if name else []
    else:
        parts = _in_processes(workspace, chosen, limits)
        for found, named in parts:
            findings += found
            models += named
    return chosen, findings + two_of_a_name(models)


def _limits(workspace: Workspace) -> dict[str, str]:
    try:
        return dict(workspace.config.limits)
    except MlciError:
        return {}  # the configuration is a document of its own, and reported as one


def _validate_one(workspace: Workspace, path: str, limits: dict[str, str]) -> tuple[list[Finding], Model | None]:
    try:
        if path.rpartition("/")[2] == CONFIG:
            read_config(workspace.read(path))
            return [], None
        model = workspace.model(path)
    except MlciError as error:
        return list(run.findings_of(error, path)), None
    return references(model, workspace.repo, limits), model


def _chunk(root: Path, paths: Sequence[str], limits: dict[str, str]) -> tuple[list[Finding], list[Model]]:
    from mlci.world import World

    workspace = Workspace(World(root), root, WorkTree(root), None)
    findings: list[Finding] = []
    models: list[Model] = []
    for path in paths:
        found, model = _validate_one(workspace, path, limits)
        findings += found
        if model:
            # what is sent back is what a name needs, not the whole document
            models.append(replace(model, document=document.Document(path, None, {("name",): model.document.values[("name",)]}), datasets={}, checks=()))
    return findings, models


def _in_processes(workspace: Workspace, paths: Sequence[str], limits: dict[str, str]) -> Iterator[tuple[list[Finding], list[Model]]]:
    cores = workspace.world.cores
    registry.packed("model")
    size = max(50, len(paths) // (cores * 8) + 1)
    chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context(method)) as pool:
        yield from pool.map(_chunk, [workspace.root] * len(chunks), chunks, [limits] * len(chunks))


def validate_against(raw_schema: bytes, schema_name: str, documents: Sequence[tuple[str, bytes]]) -> list[Finding]:
    """Hold documents against somebody's own JSON Schema.

    Raises InvalidFile when the schema itself is not one that can be checked in bounded time, without the network.
    """
    own = document.read(raw_schema, schema_name)
    schema_guard.refuse_unbounded(own)
    findings: list[Finding] = []
    for name, raw in documents:
        try:
            findings += manifest.problems(document.read(raw, name), own.data)
        except MlciError as error:
            findings += run.findings_of(error, name)
    return findings


def nothing_here(workspace: Workspace) -> UsageError:
    """The error for a repository without a model."""
    stray = workspace.repo.glob("model.yml") + workspace.repo.glob("*/model.yml") + workspace.repo.glob("models/*/model.yml")
    if stray:
        return UsageError(f"no model.yaml found in `{workspace.repo.label}`", hint=f"rename {line(stray[0])} to model.yaml")
    hint = "mlci init; or name the folders under `models:` in mlci.yaml, or the repository with `-C FOLDER`"
    return UsageError(f"no model.yaml found in `{workspace.repo.label}`", hint=hint)


# Loading ------------------------------------------------------------------------------------------------------


def load(workspace: Workspace, selection: Selection | None = None) -> list[Loaded]:
    """The models of a selection, sorted by path; a manifest that is wrong is among them with its error.

    Raises UsageError when the selection names what is not there, InvalidFile when ``mlci.yaml`` is wrong.
    """
    selection = selection or Selection()
    every = workspace.manifests()
    if not every:
        raise nothing_here(workspace)
    chosen = every
    if selection.changed_since is not None:
        chosen = workspace.changed_manifests(selection.changed_since, chosen)
    if selection.paths:
        known = set(chosen)
        chosen = sorted(set(_owners(selection.paths, chosen, known)))
    if selection.shard:
        chosen = plan.shard(chosen, selection.shard)
    loaded = _distinct([_load_one(workspace, path) for path in chosen])
    return _named(loaded, selection.models) if selection.models else loaded


def _owners(paths: Sequence[str], every: Sequence[str], known: set[str]) -> Iterator[str]:
    from mlci.workspace import nearest

    for path in paths:
        below = [found for found in every if not path or found.startswith(f"{path}/")]
        owner = nearest(path, known) if path else None
        if path in known:
            yield path
        elif below:
            yield from below
        elif owner:
            yield owner


def _load_one(workspace: Workspace, path: str) -> Loaded:
    try:
        return Loaded(path, workspace.model(path))
    except MlciError as error:
        return Loaded(path, None, error)


def _distinct(loaded: list[Loaded]) -> list[Loaded]:
    twice = {finding.at.path: finding for finding in two_of_a_name(item.model for item in loaded if item.model) if finding.at}
    return [Loaded(item.path, None, InvalidFile([twice[item.path]])) if item.path in twice else item for item in loaded]


def _named(loaded: list[Loaded], names: Sequence[str]) -> list[Loaded]:
    import difflib

    known = {item.name for item in loaded}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{line(close[0])}`?" if close else "`mlci list` shows the models"
            raise UsageError(f"there is no model `{line(name)}` here", hint=hint)
    return [item for item in loaded if item.name in names]


# Checking -----------------------------------------------------------------------------------------------------


def check(
    workspace: Workspace,
    selection: Selection | None = None,
    *,
    trust: Sequence[str] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run the checks of a selection and report. Raises UsageError for a selection that names nothing."""
    selection = selection or Selection()
    started, clock = workspace.world.now(), workspace.world.monotonic
    begun = clock()
    config = workspace.config
    only = _only(selection.only)
    loaded = load(workspace, selection)
    tasks = [_Task(item, workspace, config, only, tuple(trust)) for item in loaded]
    total = sum(len(task.specs) + 1 for task in tasks)
    tell = _Teller(progress, total)
    with ThreadPoolExecutor(max_workers=jobs or max(2, workspace.world.cores)) as pool:
        try:
            for task in tasks:
                task.start(pool, clock, tell)
            models = tuple(task.report() for task in tasks)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            for task in tasks:
                task.close()
    git = workspace.git
    return Report(
        tool=f"mlci {__version__}",
        started=started.isoformat(timespec="seconds"),
        seconds=clock() - begun,
        commit=git.head() if git else None,
        dirty=git.is_dirty() if git else False,
        selection=selection.words(),
        models=models,
    )


def _only(words: Sequence[str]) -> plan.Only:
    for word in words:
        if word not in registry.GROUPS:
            registry.find("checks", word)
    return plan.Only(frozenset(words))


class _Teller:
    """Counts what is done, for whoever shows progress."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def __call__(self, what: str) -> None:
        with self._lock:
            self._done += 1
            if self._progress:
                self._progress(self._done, self._total, what)


class _Task:
    """One model on its way through its checks; its bench is closed as soon as the last one is done."""

    def __init__(self, loaded: Loaded, workspace: Workspace, config: Config, only: plan.Only, trust: tuple[str, ...]) -> None:
        self._loaded = loaded
        self._workspace = workspace
        self._config = config
        self._trust = trust
        self._results: list[Any] = []
        self._inputs: Any = None
        self._bench: Workbench | None = None
        self._lock = threading.Lock()
        self.specs: list[CheckSpec] = []
        if loaded.model:
            self.specs = plan.specs(loaded.model, config, only, _kind)
        self._left = len(self.specs)

    def start(self, pool: ThreadPoolExecutor, clock: Callable[[], float], tell: _Teller) -> None:
        model = self._loaded.model
        if model is None:
            tell(self._loaded.path)
            return
        bench = self._bench = Workbench(model, self._workspace.repo, self._workspace.world, self._config.limits, self._trust)
        self._inputs = pool.submit(self._digests, model, tell)
        for spec in self.specs:
            case = Case(spec, model, bench, plan.with_defaults(spec, self._config))
            self._results.append(pool.submit(self._one, case, clock, tell))

    def _digests(self, model: Model, tell: _Teller) -> tuple[Any, ...]:
        parts = bundle.inputs(model, self._workspace.repo)
        tell(f"{model.name}: digests")
        return parts

    def _one(self, case: Case, clock: Callable[[], float], tell: _Teller) -> Result:
        result = run.run(case, registry.find("checks", case.spec.check).check, clock)
        tell(f"{case.model.name}: {case.spec.id}")
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self.close()
        return result

    def report(self) -> ModelReport:
        model = self._loaded.model
        if model is None:
            assert self._loaded.error
            return ModelReport(name=self._loaded.name, path=self._loaded.path, results=(run.refused(self._loaded.error, self._loaded.path),))
        results = [future.result() for future in self._results]
        try:
            inputs = self._inputs.result()
        except MlciError as error:
            # an input that cannot be read has no digest; the checks have said what is wrong with it
            return ModelReport(name=model.name, path=model.document.path, results=(*results, run.refused(error, model.document.path)))
        return ModelReport(
            name=model.name,
            path=model.document.path,
            bundle=bundle.digest(inputs),
            inputs=inputs,
            results=tuple(results),
        )

    def close(self) -> None:
        with self._lock:
            bench, self._bench = self._bench, None
        if bench:
            bench.close()


def _kind(check_: str) -> plan.Kind:
    module: Any = registry.find("checks", check_)
    kind: plan.Kind = module
    return kind


# Reporting ----------------------------------------------------------------------------------------------------


def read_reports(raw: Sequence[tuple[str, bytes]]) -> Report:
    """One report out of the files that ``mlci check`` wrote, such as those of the shards of one run.

    Raises InvalidFile for a file that is no report.
    """
    import json

    reports = []
    for name, data in raw:
        try:
            parsed = json.loads(data, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidFile([Finding(Level.ERROR, f"this is not JSON: {error}", document.Document(name, None).at())]) from None
        found = manifest.problems(document.Document(name, parsed), registry.packed("report"))
        if found:
            raise InvalidFile(found)
        reports.append(Report.from_dict(parsed))
    return merge(reports)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return data


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a number")


def merge(reports: Sequence[Report]) -> Report:
    """The reports of one run as one. Raises UsageError when they speak of different commits."""
    first = reports[0]
    for other in reports[1:]:
        if other.commit != first.commit:
            raise UsageError(f"the reports speak of different commits, {first.commit} and {other.commit}")
    models = {model.path: model for report in reports for model in report.models}
    return replace(
        first,
        started=min(report.started for report in reports),
        seconds=max(report.seconds for report in reports),
        dirty=any(report.dirty for report in reports),
        selection=first.selection if len(reports) == 1 else f"{len(reports)} reports",
        models=tuple(models[path] for path in sorted(models)),
    )


def render(report: Report, reporter: str, fail_on: str = "error") -> str:
    """The report as text, by the reporter of that name."""
    text: str = registry.find("reporters", reporter).render(report, gate.decide(report, fail_on))
    return text
