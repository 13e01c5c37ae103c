"""Documents become specs: what a manifest or a configuration says, or everything that is wrong with it."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Mapping
from typing import Any

from mlci.conformance import Schema, did_you_mean, problems, subject
from mlci.document import Document
from mlci.findings import Finding, InvalidFile, Level
from mlci.paths import lexical_problem
from mlci.reader import Pointer, show
from mlci.specs import CheckSpec, Config, Dataset, Model, Output, join


def load_model(document: Document, schema: Schema) -> Model:
    """The model that a valid manifest describes. Raises InvalidFile with everything that is wrong."""
    _raise(problems(document, schema))
    reader = _ModelReader(document, schema)
    model = reader.model()
    _raise(reader.findings)
    return model


def load_config(document: Document, schema: Schema) -> Config:
    """What ``mlci.yaml`` says. Raises InvalidFile with everything that is wrong."""
    found = problems(document, schema)
    for index, glob in enumerate(document.data.get("models", ()) if not found else ()):
        problem = lexical_problem(glob, globs=True)
        if problem:
            found.append(
                Finding(Level.ERROR, f"`models[{index}]` is {show(glob)}: {problem}", document.at("models", index))
            )
    _raise(found)
    data = document.data
    return Config(
        models=tuple(data.get("models", Config().models)),
        require=tuple(dict.fromkeys(data.get("require", ()))),
        defaults=data.get("defaults", {}),
        limits=data.get("limits", {}),
        privacy=data.get("privacy", {}),
    )


def _raise(found: list[Finding]) -> None:
    if found:
        raise InvalidFile(found)


_VALUED = frozenset(("range", "in", "pattern", "length"))
"""Rules of a column that say what they want; of others, that they stand there is all."""


class _ModelReader:
    """Builds the specs, and finds what a schema cannot say: names that are not there, ids twice, paths outside."""

    def __init__(self, document: Document, schema: Schema) -> None:
        self.document = document
        self.schema = schema
        self.findings: list[Finding] = []
        self.ids: dict[str, Pointer] = {}

    def wrong(self, pointer: Pointer, message: str, hint: str = "", *, key: bool = False) -> None:
        self.findings.append(Finding(Level.ERROR, message, self.document.at(*pointer, key=key), hint))

    def model(self) -> Model:
        data = self.document.data
        raw = data.get("datasets", {})
        datasets = {name: self.dataset(name, spec, raw) for name, spec in raw.items()}
        checks = self.checks(data.get("checks", ()), ("checks",), raw, None)
        self.path(("artifact",), data["artifact"])
        self.artifact_folder(data["artifact"])
        needs = data.get("train", {}).get("needs", ())
        for index, path in enumerate(needs):
            self.path(("train", "needs", index), path, globs=True)
        if not checks and not any(d.checks or d.columns or d.contract for d in datasets.values()):
            hint = "add `checks:` with at least one, such as `- metric: {data: test, name: accuracy, min: 0.9}`"
            self.wrong((), "no check is asked for; a model without checks would always pass", hint)
        runtime = data.get("runtime", "auto")
        if isinstance(runtime, dict) and "python" in runtime:
            self.path(("runtime", "python"), runtime["python"])
        output = data.get("output", {})
        folder = self.document.path.rpartition("/")[0]
        return Model(
            name=data["name"],
            document=self.document,
            folder=folder,
            artifact=data["artifact"],
            runtime=runtime if isinstance(runtime, str) else runtime["kind"],
            python=None if isinstance(runtime, str) else runtime.get("python"),
            task=data.get("task"),
            output=Output(
                prediction=output.get("prediction"),
                probabilities=output.get("probabilities"),
                classes=tuple(output["classes"]) if "classes" in output else None,
                positive=output.get("positive"),
                threshold=output.get("threshold"),
            ),
            datasets=datasets,
            checks=checks,
            needs=tuple(needs),
        )

    def dataset(self, name: str, spec: Mapping[str, Any], raw: Mapping[str, Any]) -> Dataset:
        here: Pointer = ("datasets", name)
        self.source(here, spec)
        base: Mapping[str, Any] = {}
        if "like" in spec:
            base = self.like(here, spec["like"], name, raw)
        for key in ("contract", "profile"):
            if key in spec:
                self.path((*here, key), spec[key])
        self.rules((*here, "columns"), spec.get("columns", {}))
        own_columns = "columns" in spec or "like" not in spec
        checks = self.checks(spec.get("checks", ()), (*here, "checks"), raw, name)
        inherited: dict[str, Any] = base.get("columns", {})
        without = spec.get("without", ())
        hidden = frozenset(column for column in without if inherited.get(column, {}).get("sensitive"))
        if without:
            inherited = {column: rules for column, rules in inherited.items() if column not in without}
        # a rule said anew does not say that its values may be shown now
        columns = {
            column: {"sensitive": True, **rules} if inherited.get(column, {}).get("sensitive") else rules
            for column, rules in spec.get("columns", {}).items()
        }
        target = spec.get("target", base.get("target"))
        connection, scan = spec.get("connection"), spec.get("scan")
        return Dataset(
            name=name,
            path=spec.get("path", ""),
            target=None if target in without else target,
            key=tuple(spec.get("key", [column for column in base.get("key", ()) if column not in without])),
            # a view and no copy: many datasets may be like one that has many columns
            columns=ChainMap(columns, inherited),
            columns_pointer=(*here, "columns") if own_columns else ("datasets", spec["like"], "columns"),
            checks=checks,
            contract=spec.get("contract"),
            like=spec.get("like"),
            without=tuple(without),
            hidden=hidden,
            profile=spec.get("profile", f"{name}.profile.json"),
            table=spec.get("table"),
            connection=f"env:{connection['env']}" if isinstance(connection, dict) else connection,
            csv=spec.get("csv", {}),
            scan=(scan["rows"], scan.get("seed", 1)) if scan else None,
        )

    def rules(self, here: Pointer, columns: Mapping[str, Mapping[str, Any]]) -> None:
        """A rule says what it wants: one without, or with no bound, would be held against every row and never fail."""
        for column, rules in columns.items():
            for name in _VALUED & rules.keys():
                written = rules[name]
                value = written.get("is") if isinstance(written, dict) else written
                pointer = (*here, column, name)
                if value is None:
                    self.wrong(pointer, f"`is` is missing in {subject(pointer)}", f"say {{is: …}}, what `{name}` wants")
                elif value == [None, None]:
                    self.wrong(pointer, f"{subject(pointer)} is open on both sides: no value can break it")

    def source(self, here: Pointer, spec: Mapping[str, Any]) -> None:
        """A dataset has files, or a table of a connection."""
        if "path" in spec:
            self.path((*here, "path"), spec["path"], globs=True)
        elif "table" not in spec:  # of a connection: the schema asks for a path where there is none
            self.wrong(here, f"`table` is missing in {subject(here)}", "add `table:`, its name there", key=True)
        if "without" in spec and "like" not in spec:
            self.wrong((*here, "without"), "`without` says what of `like` is left out, and there is no `like`")

    def like(self, here: Pointer, other: str, name: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        if other == name or other not in raw:
            self.wrong(
                (*here, "like"),
                f"`like` names {show(other)}, which is no other dataset of this model",
                did_you_mean(other, raw, but=name),
            )
            return {}
        if "like" in raw[other]:
            self.wrong(
                (*here, "like"),
                f"`like` names {show(other)}, which is like another itself",
                f"name {show(raw[other]['like'])}",
            )
        base: Mapping[str, Any] = raw[other]
        return base

    def artifact_folder(self, written: str) -> None:
        folder = self.document.path.rpartition("/")[0]
        whole = join(folder, written)
        if whole == folder or folder.startswith(f"{whole}/") or not whole:
            hint = "put the model into a folder of its own, such as model/"
            self.wrong(("artifact",), "`artifact` is the folder that holds this manifest, which is no artifact", hint)

    def path(self, pointer: Pointer, written: str, *, globs: bool = False) -> None:
        problem = lexical_problem(written, globs=globs, folder=self.document.path.rpartition("/")[0])
        if problem:
            self.wrong(
                pointer,
                f"{subject(pointer)} is {show(written, 120)}: {problem}",
                "name a file of this repository, relative to this manifest, with forward slashes",
            )

    def checks(
        self, items: Iterable[Any], here: Pointer, raw: Mapping[str, Any], dataset: str | None
    ) -> tuple[CheckSpec, ...]:
        specs = (self.check(item, (*here, index), raw, dataset) for index, item in enumerate(items))
        return tuple(spec for spec in specs if spec is not None)

    def check(self, item: Any, here: Pointer, raw: Mapping[str, Any], dataset: str | None) -> CheckSpec | None:
        common: Mapping[str, Any] = {} if isinstance(item, str) else item
        named = [item] if isinstance(item, str) else [key for key in item if f"options-{key}" in self.schema["$defs"]]
        if len(named) != 1:
            found = " and ".join(show(key) for key in named) or "none"
            self.wrong(
                here,
                f"one check is expected in {subject(here)}, found {found}",
                "begin each check with a dash of its own",
            )
            return None
        check = named[0]
        written = common.get(check)
        # `- sql: "select …"` is short for `- sql: {is: "select …"}`
        options: Mapping[str, Any] = (
            written if isinstance(written, dict) else {} if written is None else {"is": written}
        )
        pointer: Pointer = here if isinstance(item, str) else (*here, check)
        self.references(check, options, pointer, raw)
        parts = (check, options.get("name"), options.get("data", dataset))
        id_ = common.get("id") or "-".join(re.sub(r"[^A-Za-z0-9._-]", "_", str(part)) for part in parts if part)
        if common.get("id") and self.is_taken(id_, check):
            self.wrong(
                (*here, "id"), f"the id {show(id_)} belongs to a check that every model can have", "name it otherwise"
            )
        if id_ in self.ids:
            first = self.document.at(*self.ids[id_]).line
            self.wrong(
                pointer,
                f"two checks have the id {show(id_)}; the first stands at line {first}",
                "give one of them an `id:`",
                key=True,
            )
        self.ids[id_] = pointer
        return CheckSpec(
            check=check,
            id=id_,
            options=options,
            severity=Level(common.get("severity", "error")),
            dataset=dataset,
            pointer=pointer,
            why=common.get("why", ""),
        )

    def is_taken(self, id_: str, check: str) -> bool:
        """Whether an id is one that checks get without being asked for."""
        own = id_ == "manifest" or id_.startswith(("columns-", "contract-"))
        implied = f"options-{id_}" in self.schema["$defs"] or own
        return implied and id_ != check

    def references(self, check: str, options: Mapping[str, Any], pointer: Pointer, raw: Mapping[str, Any]) -> None:
        properties = self.schema["$defs"][f"options-{check}"].get("properties", {})
        for key, value in options.items():
            kind = properties.get(key, {}).get("$ref", "")
            if kind == "#/$defs/dataset-name" and value not in raw:
                self.wrong(
                    (*pointer, key),
                    f"`{key}` names {show(value)}, which is no dataset of this model",
                    did_you_mean(value, raw),
                )
            elif kind == "#/$defs/path":
                self.path((*pointer, key), value)
        for side in ("min", "max"):
            levels = options.get(side)
            if isinstance(levels, dict) and all(isinstance(levels.get(k), int | float) for k in ("warning", "error")):
                first = levels["warning"] - levels["error"] if side == "min" else levels["error"] - levels["warning"]
                if first < 0:
                    message = f"`{side}` errs at {levels['error']} before it warns at {levels['warning']}"
                    self.wrong((*pointer, side, "warning"), message, "swap the two")
        bounds = {side: options[side] for side in ("min", "max") if isinstance(options.get(side), int | float)}
        if len(bounds) == 2 and bounds["min"] > bounds["max"]:
            self.wrong(
                (*pointer, "min"), f"`min` is {bounds['min']} and `max` is {bounds['max']}: no number can satisfy both"
            )
