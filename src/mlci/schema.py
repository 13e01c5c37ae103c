"""The JSON Schemas of mlci's files, put together from the words below and from what each check declares.

``scripts/generate.py`` writes them to ``schemas/``; editors and mlci itself read them from there.
Descriptions end the sentence "... , expected <description>", so that one text serves editors and errors.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlci import quantities
from mlci.results import REPORT_VERSION

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DATA, MODEL = "data", "model"
PROFILE_VERSION = 1
GREATEST = sys.float_info.max


def ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def limit(
    *, least: float | None = None, most: float | None = None, above: float | None = None, below: float | None = None
) -> Schema:
    """A bound on a number: the number itself, or ``{warning:, error:}``.

    ``above`` and ``below`` leave the edge itself out: a bound there could never be broken.
    """
    given = {"minimum": least, "maximum": most, "exclusiveMinimum": above, "exclusiveMaximum": below}
    bounds: Schema = {key: value for key, value in given.items() if value is not None}
    said = {"minimum": "of at least", "maximum": "of at most", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    words = " ".join(["a number", " and ".join(f"{said[key]} {value:g}" for key, value in bounds.items())]).strip()
    return _two_level({"type": "number", **bounds, "description": words}, bounds, words)


def quantity(pattern: str, words: str) -> Schema:
    """A bound on a quantity that carries its unit, on one level or on two."""
    level = {"type": "string", "pattern": pattern, "maxLength": 32, "description": words}
    return _two_level(level, {"pattern": pattern, "maxLength": 32}, words)


def _two_level(level: Schema, bounds: Schema, words: str) -> Schema:
    types = level["type"] if isinstance(level["type"], list) else [level["type"]]
    return {
        "type": [*types, "object"],
        **bounds,
        "properties": {"warning": level, "error": level},
        "additionalProperties": False,
        "minProperties": 1,
        "description": f"{words}, or {{warning:, error:}}",
    }


def options(*required: str, **properties: Schema) -> Schema:
    """The options of a check: an object of these keys and no others."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


_BOUNDS = ("minimum", "maximum", "pattern", "maxLength")
_SHARE: Schema = {
    "type": ["number", "string"],
    "minimum": 0,
    "maximum": 1,
    "pattern": quantities.SHARE_PATTERN,
    "maxLength": 32,
    "description": "a share: a number from 0 to 1, or a percentage such as 99.5%",
}

DATASET = ref("dataset-name")
PATH = ref("path")
LIMIT = ref("limit")
COUNT = ref("limit-count")
SIZE = ref("limit-size")
SHARE = ref("limit-share")
DURATION = ref("limit-duration")
COLUMN = ref("column")
COLUMNS = ref("columns")
WHERE = ref("where")
COUNTED = {"mostly": SHARE, "max": ref("limit-rows"), "where": WHERE}
"""The options of a check that counts failing rows."""

DEFS: dict[str, Schema] = {
    "name": {
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$",
        "description": "a name of a-z, 0-9, `.`, `_` and `-` that begins with a letter or a digit",
    },
    "check-id": {
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        "description": "an id of letters, digits, `.`, `_` and `-`",
    },
    "dataset-name": {"type": "string", "minLength": 1, "description": "the name of one of this model's datasets"},
    "path": {
        "type": "string",
        "minLength": 1,
        "maxLength": 1024,
        "description": "a path relative to this file, and none outside the repository",
    },
    "column": {"type": "string", "minLength": 1, "maxLength": 512, "description": "the name of a column"},
    "share": _SHARE,
    "severity": {"enum": ["error", "warning"], "description": "error or warning"},
    "columns": {
        "type": "array",
        "items": ref("column"),
        "minItems": 1,
        "uniqueItems": True,
        "description": "a list of columns",
    },
    "where": {
        "type": "string",
        "minLength": 1,
        "maxLength": 4000,
        "description": "a condition in SQL that says which rows are looked at, such as country = 'US'",
    },
    "limit": limit(),
    "limit-count": limit(least=0),
    "limit-rows": limit(least=0),
    "limit-share": _two_level(_SHARE, {key: _SHARE[key] for key in _BOUNDS}, "a share from 0 to 1 or such as 99.5%"),
    "limit-duration": quantity(quantities.DURATION_PATTERN, "a duration with its unit such as 30m, 36h or 7d"),
    "limit-size": quantity(quantities.SIZE_PATTERN, "a size with its unit such as 500kB, 50MiB or 2GiB"),
    "duration": {
        "type": "string",
        "pattern": quantities.DURATION_PATTERN,
        "maxLength": 32,
        "description": "a duration with its unit such as 200ms, 30s or 36h",
    },
    "size": {
        "type": "string",
        "pattern": quantities.SIZE_PATTERN,
        "maxLength": 32,
        "description": "a size with its unit such as 500kB, 50MiB or 2GiB",
    },
    "scalar": {"type": ["string", "number", "boolean"], "description": "a text, a number, true or false"},
}

COLUMN_TYPES = ("int", "float", "string", "bool", "date", "datetime")
TASKS = ("binary", "multiclass", "regression", "ranking", "other")

_HOW: dict[str, Schema] = {
    **COUNTED,
    "severity": ref("severity"),
    "why": {"type": "string", "maxLength": 4000, "description": "a text"},
}


def _rule(value: Schema, example: str) -> Schema:
    """A rule of a column: its value alone, or ``{is:, mostly:, max:, where:, severity:, why:}``."""
    alone = {key: held for key, held in value.items() if key not in ("type", "description")}
    return {
        "type": [value["type"], "object"],
        **alone,
        "properties": {"is": value, **_HOW},
        "additionalProperties": False,
        "description": f"{value['description']}, or {{is: {example}, mostly:, max:, where:, severity:, why:}}",
    }


_BOUND: Schema = {"type": ["number", "string", "null"], "maxLength": 64, "description": "a number, a date or null"}
_YES: Schema = {"type": "boolean", "description": "true or false"}
_COLUMN: Schema = {
    "type": "object",
    "properties": {
        "type": {"enum": list(COLUMN_TYPES), "description": "one of " + ", ".join(COLUMN_TYPES)},
        "required": _rule(_YES, "true"),
        "unique": _rule(_YES, "true"),
        "sensitive": _YES,
        "range": _rule(
            {
                "type": "array",
                "items": _BOUND,
                "minItems": 2,
                "maxItems": 2,
                "description": "[least, greatest], with null for an open side",
            },
            "[0, null]",
        ),
        "in": _rule(
            {"type": "array", "items": ref("scalar"), "minItems": 1, "description": "the list of allowed values"},
            "[a, b]",
        ),
        "pattern": _rule(
            {
                "type": "string",
                "minLength": 1,
                "maxLength": 1000,
                "description": "a regular expression (RE2) that is found in every value",
            },
            "'^[A-Z]'",
        ),
        "length": _rule(
            {
                "type": "array",
                "items": {"type": ["integer", "null"], "minimum": 0, "description": "a number of characters, or null"},
                "minItems": 2,
                "maxItems": 2,
                "description": "[least, most] characters, with null for an open side",
            },
            "[1, 20]",
        ),
    },
    "additionalProperties": False,
    "description": "the rules of a column: {type:, required:, range:, in:, …}",
}

_CSV: Schema = {
    "type": "object",
    "properties": {
        "delimiter": {"type": "string", "minLength": 1, "maxLength": 4, "description": "what parts the fields"},
        "quote": {"type": "string", "maxLength": 1, "description": "the character around a text, or an empty text"},
        "escape": {"type": "string", "maxLength": 1, "description": "the character before a quote in a text"},
        "encoding": {"enum": ["utf-8", "utf-16", "latin-1"], "description": "one of utf-8, utf-16, latin-1"},
        "missing": {
            "type": "array",
            "items": {"type": "string", "maxLength": 64},
            "minItems": 1,
            "description": "the list of texts that stand for a missing value",
        },
    },
    "additionalProperties": False,
    "description": "how its CSV files are written: {delimiter:, quote:, escape:, encoding:, missing:}",
}

_SCAN: Schema = {
    "type": "object",
    "properties": {
        "rows": {"type": "integer", "minimum": 1000, "description": "a number of rows of at least 1000"},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "description": "a whole number"},
    },
    "required": ["rows"],
    "additionalProperties": False,
    "description": "the sample that is looked at in place of every row: {rows:, seed:}",
}

_CONNECTION: Schema = {
    "type": ["string", "object"],
    "minLength": 1,
    "maxLength": 1024,
    "properties": {
        "env": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]{0,99}$", "description": "an environment variable"}
    },
    "required": ["env"],
    "additionalProperties": False,
    "description": "the address of a database such as bigquery://project/dataset, or {env: NAME} of a variable",
}

_DATASET: Schema = {
    "type": "object",
    "properties": {
        "path": {**PATH, "description": "the path of its file, or a glob of files, relative to this file"},
        "table": {
            "type": "string",
            "minLength": 1,
            "maxLength": 512,
            "description": "the table of a database, of a DuckDB file or of a SQLite file",
        },
        "connection": _CONNECTION,
        "csv": _CSV,
        "scan": _SCAN,
        "contract": {**PATH, "description": "the path of a data contract, relative to this file"},
        "profile": {**PATH, "description": "the path of its committed profile, relative to this file"},
        "target": ref("column"),
        "key": {"type": "array", "items": ref("column"), "minItems": 1, "description": "a list of columns"},
        "like": {**DATASET, "description": "the dataset whose target, key and columns hold here too"},
        "without": {**COLUMNS, "description": "the columns of the dataset it is like that it does not have"},
        "columns": {"type": "object", "additionalProperties": _COLUMN, "description": "a mapping of columns to rules"},
        "checks": {"type": "array", "items": ref("data-check"), "description": "a list of checks of this dataset"},
    },
    "if": {"required": ["connection"]},
    "else": {"required": ["path"]},
    "additionalProperties": False,
    "description": "a dataset: {path:, target:, columns:, checks:}",
}

_RUNTIME: Schema = {
    "type": ["string", "object"],
    "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$",
    "properties": {
        "kind": {"type": "string", "minLength": 1, "description": "the name of a runtime, or auto"},
        "python": {"type": "string", "minLength": 1, "description": "the model's own interpreter: .venv/bin/python"},
    },
    "required": ["kind"],
    "additionalProperties": False,
    "description": "auto, the name of a runtime, or {kind:, python:}",
}

_OUTPUT: Schema = {
    "type": "object",
    "properties": {
        "prediction": {"type": "string", "minLength": 1, "description": "the output that holds labels or numbers"},
        "probabilities": {"type": "string", "minLength": 1, "description": "the output that holds probabilities"},
        "classes": {
            "type": "array",
            "items": ref("scalar"),
            "minItems": 2,
            "description": "the classes in the order of the probabilities",
        },
        "positive": {**ref("scalar"), "description": "the class that counts as positive"},
        "threshold": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "the probability from which it is predicted",
        },
    },
    "additionalProperties": False,
    "description": "what the model's outputs mean: {probabilities:, positive:, threshold:}",
}

_TRAIN: Schema = {
    "type": "object",
    "properties": {
        "command": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "a command as a list of words",
        },
        "needs": {"type": "array", "items": PATH, "description": "the files that training reads"},
    },
    "additionalProperties": False,
    "description": "how the artifact is made: {command:, needs:}",
}

_VERSION: Schema = {"const": 1, "description": "1, the version of this format"}
_TEXT: Schema = {"type": "string", "maxLength": 4000, "description": "a text"}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a check declares: its scope (``data`` or ``model``), a line of summary, the schema of its options."""

    scope: str
    summary: str
    options: Schema


def model(checks: Mapping[str, Declared]) -> Schema:
    """The schema of ``model.yaml`` for these checks."""
    return {
        "$schema": DIALECT,
        "title": "mlci model manifest",
        "description": "a mapping that begins with `version: 1`",
        "type": "object",
        "properties": {
            "version": _VERSION,
            "name": ref("name"),
            "description": _TEXT,
            "owners": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "description": "a list of users and teams",
            },
            "artifact": PATH,
            "runtime": _RUNTIME,
            "task": {"enum": list(TASKS), "description": "one of " + ", ".join(TASKS)},
            "output": _OUTPUT,
            "datasets": {
                "type": "object",
                "additionalProperties": _DATASET,
                "description": "a mapping of names to datasets",
            },
            "checks": {"type": "array", "items": ref("model-check"), "description": "a list of checks"},
            "train": _TRAIN,
        },
        "required": ["version", "name", "artifact"],
        "additionalProperties": False,
        "$defs": {
            **DEFS,
            "data-check": _item(checks, DATA),
            "model-check": _item(checks, MODEL),
            **{f"options-{id_}": _options(declared) for id_, declared in checks.items()},
        },
    }


def _options(declared: Declared) -> Schema:
    keys = ", ".join(declared.options.get("properties", {}))
    needed = declared.options.get("required") or declared.options.get("minProperties")
    # `- card:` with nothing behind it is how YAML writes a check without options
    kind = {} if needed else {"type": ["object", "null"]}
    short: Schema = {}
    alone = declared.options.get("properties", {}).get("is")
    if alone:
        # `- sql: "select …"` says `- sql: {is: "select …"}`
        kind = {"type": [alone["type"], "object"]}
        short = {key: held for key, held in alone.items() if key not in ("type", "description")}
    return {
        "title": declared.summary,
        **declared.options,
        **short,
        **kind,
        "description": f"its options, a mapping of {keys}" if keys else "no options",
    }


def _item(checks: Mapping[str, Declared], scope: str) -> Schema:
    # one mapping that holds the check's name beside the common keys: a branch for each check (oneOf) would be slow
    # and would answer a typing error with every branch it is not; that exactly one is named is checked in manifest.py
    mine = sorted(id_ for id_, declared in checks.items() if declared.scope == scope)
    return {
        "type": ["string", "object"],
        "if": {"type": "string"},
        "then": {"enum": mine},
        "properties": {
            **{id_: ref(f"options-{id_}") for id_ in mine},
            "id": ref("check-id"),
            "severity": ref("severity"),
            "why": _TEXT,
        },
        "additionalProperties": False,
        "description": f"a check: one of {', '.join(mine)}",
    }


def config(checks: Mapping[str, Declared]) -> Schema:
    """The schema of ``mlci.yaml`` for these checks."""
    return {
        "$schema": DIALECT,
        "title": "mlci repository configuration",
        "description": "a mapping that begins with `version: 1`",
        "type": "object",
        "properties": {
            "version": _VERSION,
            "models": {
                "type": "array",
                "items": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 1024,
                    "description": "a glob of folders such as models/*",
                },
                "minItems": 1,
                "description": "a list of globs of the folders that hold a model.yaml",
            },
            "require": {
                "type": "array",
                "items": {"enum": sorted(id_ for id_, declared in checks.items() if declared.scope == MODEL)},
                "description": "a list of checks that every model must have",
            },
            "defaults": {
                "type": "object",
                "properties": {
                    id_: {key: value for key, value in declared.options.items() if key != "required"}
                    for id_, declared in sorted(checks.items())
                },
                "additionalProperties": False,
                "description": "a mapping of checks to default options",
            },
            "limits": {
                "type": "object",
                "properties": {
                    "load": {**ref("duration"), "description": "how long a model may take to load, such as 60s"},
                    "predict": {
                        **ref("duration"),
                        "description": "how long one dataset may take to predict, such as 5m",
                    },
                    "memory": {**ref("size"), "description": "the address space of a model's process, such as 4GiB"},
                    "artifact": {**ref("size"), "description": "the largest artifact that is read, such as 10GiB"},
                    "data": {**ref("size"), "description": "the memory of the data checks of a model, such as 1GiB"},
                    "query": {**ref("duration"), "description": "how long one question to the data may take: 10m"},
                },
                "additionalProperties": False,
                "description": "a mapping of limits: load, predict, memory, artifact, data, query",
            },
            "privacy": {
                "type": "object",
                "properties": {
                    "samples": {"enum": ["none", "keys", "values"], "description": "none, keys or values"},
                    "rows": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": 100,
                        "description": "a number of rows from 1 to 100",
                    },
                },
                "additionalProperties": False,
                "description": "what is shown of failing rows: {samples:, rows:}",
            },
        },
        "required": ["version"],
        "additionalProperties": False,
        "$defs": DEFS,
    }


def report() -> Schema:
    """The schema of ``report.json``."""
    text: Schema = {"type": "string"}
    number: Schema = {"type": ["number", "null"]}
    place: Schema = {
        "type": ["object", "null"],
        "properties": {"path": text, "line": {"type": ["integer", "null"]}, "column": {"type": ["integer", "null"]}},
    }
    rows: Schema = {
        "type": ["object", "null"],
        "properties": {"columns": _list(text), "rows": _list(_list(text)), "values": {"type": "boolean"}},
        "required": ["columns", "rows", "values"],
        "additionalProperties": False,
    }
    finding = {"level": ref("level"), "message": text, "at": ref("place"), "hint": text, "query": text, "rows": rows}
    limit_: dict[str, Schema] = {
        "side": {"enum": ["min", "max"]},
        "bound": {"type": "number"},
        "level": ref("level"),
        "at": ref("place"),
    }
    measurement: dict[str, Schema] = {
        "name": text, "value": number, "unit": text, "low": number, "high": number,
        "n": {"type": ["integer", "null"]}, "at": ref("place"), "limits": _list(_closed(limit_)),
        "histograms": _list(_list({"type": "number", "minimum": 0, "maximum": 1})),
    }  # fmt: skip
    result: dict[str, Schema] = {
        "check": text, "id": text, "outcome": ref("outcome"), "reason": text, "cause": text,
        "severity": ref("level"), "required": {"type": "boolean"}, "seconds": {"type": "number", "minimum": 0},
        "at": ref("place"),
        "findings": _list(_closed(finding)), "measurements": _list(_closed(measurement)),
    }  # fmt: skip
    digest = {"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"}
    input_ = {"role": text, "path": text, "sha256": digest, "size": {"type": "integer", "minimum": 0}, "kind": text}
    model_ = {
        "name": text, "path": text, "bundle": digest,
        "inputs": _list(_closed(input_)), "results": _list(_closed(result)),
    }  # fmt: skip
    top: dict[str, Schema] = {
        "version": {"const": REPORT_VERSION}, "tool": text, "started": text,
        "seconds": {"type": "number", "minimum": 0}, "commit": {"type": ["string", "null"]},
        "dirty": {"type": "boolean"}, "selection": text, "models": _list(_closed(model_)),
    }  # fmt: skip
    return {
        "$schema": DIALECT,
        "title": "mlci report",
        "description": "a report that `mlci check` wrote",
        **_closed(top),
        "$defs": {
            "level": {"enum": ["error", "warning", "note"]},
            "outcome": {"enum": ["passed", "failed", "inconclusive", "skipped", "broken"]},
            "place": {**place, "required": list(place["properties"]), "additionalProperties": False},
        },
    }


def profile() -> Schema:
    """The schema of ``<dataset>.profile.json``."""
    count, number, text = ref("count"), ref("number"), ref("text")
    bounds: Schema = {"minimum": -GREATEST, "maximum": GREATEST}
    end: Schema = {"type": ["number", "string"], **bounds, "description": "a number or a date"}
    digest = "sha256:<64 hexadecimal digits>"
    keys: dict[str, Schema] = {
        "columns": {**_list(text), "minItems": 1},
        "salt": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "a salt of 32 hexadecimal digits"},
        "hashes": count,
    }
    column: dict[str, Schema] = {
        "name": text,
        "type": {"enum": [*COLUMN_TYPES, "other"], "description": f"one of {', '.join(COLUMN_TYPES)}, other"},
        "native": text,
        "missing": count,
    }
    values: dict[str, Schema] = {
        "sensitive": {"type": "boolean", "description": "true or false"},
        "low": end,
        "high": end,
        "exact": {"type": "boolean", "description": "true or false"},
        "edges": {**_list(number), "description": "a list of numbers"},
        "categories": {**_list(text), "description": "a list of texts"},
        "counts": {**_list(count), "description": "a list of whole numbers"},
    }
    top: dict[str, Schema] = {
        "version": {"const": PROFILE_VERSION, "description": f"{PROFILE_VERSION}, the version of this format"},
        "tool": text,
        "dataset": text,
        "content": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$", "description": digest},
        "rows": count,
        "columns": {
            **_list({**_closed(column), "properties": column | values, "description": "a column"}),
            "description": "a list of columns",
        },
    }
    optional: dict[str, Schema] = {
        "keys_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "64 hexadecimal digits"},
        "keys": {**_list(_closed(keys)), "description": "a list of {columns:, salt:, hashes:}"},
    }
    return {
        "$schema": DIALECT,
        "title": "mlci profile",
        "description": "a profile that `mlci data profile` wrote",
        **_closed(top),
        "properties": top | optional,
        "$defs": {
            "count": {
                "type": "integer", "minimum": 0, "maximum": 2**63, "description": "a whole number of at least 0",
            },
            "number": {"type": "number", **bounds, "description": "a number"},
            "text": {"type": "string", "description": "a text"},
        },
    }  # fmt: skip


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}
