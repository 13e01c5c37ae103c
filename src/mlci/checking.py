"""The run: the checks of a selection on the cores there are, one report in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from mlci import __version__, bundle, plan, quantities, registry, run
from mlci.case import Case
from mlci.datasets import Terms
from mlci.errors import LimitReached, MlciError, OutsideFailed, UsageError
from mlci.git import Git
from mlci.ports import Progress
from mlci.privacy import Privacy, Samples
from mlci.references import ARTIFACT_LIMIT, datasets_of, profiled
from mlci.repo import CONFIG, CommitTree, Repo
from mlci.results import ModelReport, Report, Result
from mlci.selection import Loaded, Selection, load
from mlci.specs import CheckSpec, Config, Model
from mlci.workbench import Workbench
from mlci.workspace import Workspace


def check(
    workspace: Workspace,
    selection: Selection | None = None,
    *,
    trust: Sequence[str] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
    samples: str | None = None,
    now: datetime | None = None,
    baseline: Repo | None = None,
    remote: bool = False,
) -> Report:
    """Run the checks of a selection and report. Raises UsageError for a selection that names nothing.

    ``samples`` takes the place of the repository's own privacy policy, ``now`` that of the clock; committed profiles
    are compared with those of ``baseline``; ``remote`` lets datasets be read from databases elsewhere.
    """
    selection = selection or Selection()
    started, clock = workspace.world.now(), workspace.world.monotonic
    begun = clock()
    config = workspace.config
    loaded = load(workspace, selection)
    only = _only(selection.only, loaded, config)
    privacy = Privacy(Samples(samples or config.privacy.get("samples", "none")), config.privacy.get("rows", 5))
    terms = Terms(limits=config.limits, trust=tuple(trust), privacy=privacy, now=now, baseline=baseline, remote=remote)
    tasks = [_Task(item, workspace, config, only, terms, selection) for item in loaded]
    if selection.is_whole and all(item.model for item in loaded) and not any(task.specs for task in tasks):
        # of a part of the repository, such as what changed, it is no news that it has none
        raise UsageError(
            f"no model here has a check of {', '.join(selection.only)}", hint="`mlci list checks` shows what there is"
        )
    total = sum(len(task.specs) + 1 for task in tasks)
    tell = _Teller(progress, total)
    try:
        with tell.watching(tasks), ThreadPoolExecutor(max_workers=jobs or max(2, workspace.world.cores)) as pool:
            try:
                for task in tasks:
                    task.start(pool, clock, tell)
                models = tuple(task.report() for task in tasks)
            except BaseException:
                # a user who interrupts does not wait for models: without their processes the threads end at once
                pool.shutdown(wait=False, cancel_futures=True)
                workspace.world.kill_children()
                for task in tasks:
                    task.interrupt()
                raise
    finally:
        # when no thread uses them any more
        for task in tasks:
            task.close()
    commit, dirty = _state(workspace, models)
    return Report(
        tool=f"mlci {__version__}",
        started=started.isoformat(timespec="seconds"),
        seconds=clock() - begun,
        commit=commit,
        dirty=dirty,
        selection=selection.words(),
        models=models,
    )


def _state(workspace: Workspace, models: Sequence[ModelReport]) -> tuple[str | None, bool]:
    """The commit that was looked at, and whether something that was measured is not what it holds."""
    if isinstance(workspace.repo, CommitTree):
        return workspace.repo.commit, False
    git = workspace.git
    if git is None:
        return None, False
    try:
        return _compared(git, models)
    except (OutsideFailed, LimitReached):
        return None, False  # what was measured is worth more than the name of the commit


def _compared(git: Git, models: Sequence[ModelReport]) -> tuple[str | None, bool]:
    measured = {path for model in models for path in (model.path, *(part.path for part in model.inputs))}
    uncommitted = git.uncommitted()
    # an ignored folder is named as a whole, with a slash
    folders = tuple(path for path in uncommitted if path.endswith("/"))
    dirty = any(path in uncommitted or path.startswith(folders) for path in {CONFIG, *measured})
    return git.head(), dirty


def _only(words: Sequence[str], loaded: Sequence[Loaded], config: Config) -> plan.Only:
    """What ``--only`` selects. Raises UsageError for a word that is no group, no check, and no id of a check here."""
    unknown = [word for word in words if word not in registry.GROUPS and word not in registry.CHECKS]
    if unknown:
        every = (plan.specs(item.model, config, plan.Only(), _kind) for item in loaded if item.model)
        ids = {spec.id for specs in every for spec in specs}
        for word in unknown:
            if word not in ids:
                registry.find("checks", word)
    return plan.Only(frozenset(words))


SLICE_S = 0.2
"""Seconds that the main thread waits before it looks for signals again."""
WATCHED_S = 0.5
"""Seconds between two looks at how far the scans are."""


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

    @contextmanager
    def watching(self, tasks: Sequence[_Task]) -> Iterator[None]:
        """Tells of long scans while they go on, where anybody is told of anything."""
        if self._progress is None:
            yield
            return
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(WATCHED_S):
                read = {label: done for task in tasks for label, done in task.progress().items()}
                with self._lock:
                    if read and self._progress:
                        said = ", ".join(f"{label} {done:.0%}" for label, done in read.items())
                        self._progress(self._done, self._total, f"reading {said}")

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


class _Task:
    """One model on its way through its checks; its bench is closed as soon as the last one is done."""

    def __init__(
        self,
        loaded: Loaded,
        workspace: Workspace,
        config: Config,
        only: plan.Only,
        terms: Terms,
        selection: Selection,
    ) -> None:
        self._loaded = loaded
        self._workspace = workspace
        self._config = config
        self._terms = terms
        self._results: list[Future[list[Result]]] = []
        self._inputs: Any = None
        self._bench: Workbench | None = None
        self._lock = threading.Lock()
        self.specs: list[CheckSpec] = []
        if loaded.model:
            self.specs = plan.specs(loaded.model, config, only, _kind)
            if selection.fast:
                named = datasets_of(loaded.model, workspace.repo, selection.paths)
                known = set(profiled(loaded.model, workspace.repo))
                self.specs = plan.fast(self.specs, named, _kind, known.__contains__)
        self._left = len(self.specs)

    def start(self, pool: ThreadPoolExecutor, clock: Callable[[], float], tell: _Teller) -> None:
        model = self._loaded.model
        if model is None:
            tell(self._loaded.path)
            return
        bench = self._bench = Workbench(model, self._workspace.repo, self._workspace.world, self._terms)
        self._inputs = pool.submit(self._digests, model, tell)
        cases = [Case(spec, model, bench, plan.with_defaults(spec, self._config)) for spec in self.specs]
        for case in cases:
            if case.spec.dataset and hasattr(module := registry.find("checks", case.spec.check), "asks"):
                bench.announce(case.spec.dataset, partial(module.asks, case))
        # what needs the running model goes one after another: side by side, all but one would wait for it, in places
        # that another model could use
        waiting = [case for case in cases if _kind(case.spec.check).GROUP == "model"]
        parts = [[case] for case in cases if case not in waiting] + ([waiting] if waiting else [])
        self._results = [pool.submit(self._all, part, clock, tell) for part in parts]

    def _digests(self, model: Model, tell: _Teller) -> tuple[Any, ...]:
        try:
            return bundle.inputs(
                model, self._workspace.repo, quantities.size(self._config.limits.get("artifact", ARTIFACT_LIMIT))
            )
        except OSError as error:
            # a disk or a network share that fails under one model does not stop the others
            raise OutsideFailed(
                f"an input of `{model.name}` cannot be read: {(error.strerror or '').lower()}"
            ) from None
        finally:
            tell(f"{model.name}: digests")

    def _all(self, cases: Sequence[Case], clock: Callable[[], float], tell: _Teller) -> list[Result]:
        return [self._one(case, clock, tell) for case in cases]

    def _one(self, case: Case, clock: Callable[[], float], tell: _Teller) -> Result:
        check_ = registry.find("checks", case.spec.check)
        result = run.run(case, check_.check, clock, check_.OPTIONS.get("required", ()))
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
            return ModelReport(
                name=self._loaded.name,
                path=self._loaded.path,
                results=(run.refused(self._loaded.error, self._loaded.path),),
            )
        order = {spec.id: number for number, spec in enumerate(self.specs)}
        results = sorted((r for future in self._results for r in _waited(future)), key=lambda r: order[r.id])
        try:
            inputs = _waited(self._inputs)
        except MlciError as error:
            # an input that cannot be read has no digest; the checks have said what is wrong with it
            return ModelReport(
                name=model.name, path=model.document.path, results=(*results, run.refused(error, model.document.path))
            )
        return ModelReport(
            name=model.name,
            path=model.document.path,
            bundle=bundle.digest(inputs),
            inputs=inputs,
            results=tuple(results),
        )

    def progress(self) -> dict[str, float]:
        with self._lock:  # it is not closed meanwhile
            return self._bench.progress() if self._bench else {}

    def interrupt(self) -> None:
        if self._bench:
            self._bench.interrupt()

    def close(self) -> None:
        with self._lock:
            bench, self._bench = self._bench, None
        if bench:
            bench.close()


def _waited(future: Future[Any]) -> Any:
    """What a thread returned. A signal that comes just before the wait begins is seen when a slice of it has ended."""
    while True:
        try:
            return future.result(timeout=SLICE_S)
        except TimeoutError:
            if future.done():
                raise


def _kind(check_: str) -> plan.Kind:
    module: Any = registry.find("checks", check_)
    kind: plan.Kind = module
    return kind
