"""Files are made by the libraries that make them, wherever one is installed; the others byte by byte."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import sqlite3
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.content import HEAD, KINDS, Content, kind_of, sniff


def content_of(raw: bytes) -> Content:
    return sniff(io.BytesIO(raw))


def kind(raw: bytes) -> str:
    return content_of(raw).kind


def archive(*names: str, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of small files."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", compression) as made:
        for name in names:
            made.writestr(name, "{}")
    return raw.getvalue()


# Made by their own libraries ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classifier() -> Any:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1])


def test_a_classifier_as_onnx(classifier: Any) -> None:
    from skl2onnx import to_onnx

    raw = to_onnx(classifier, classifier.coef_.astype("float32")).SerializeToString()
    assert kind(raw) == "onnx"


@pytest.mark.parametrize(
    "about",
    [{}, {"producer_name": "somebody"}, {"doc_string": "a model"}, {"domain": "com.example"}, {"ir_version": 8}],
    ids=["plain", "producer", "documentation", "domain", "older"],
)
def test_an_onnx_graph_however_it_is_described(about: dict[str, Any]) -> None:
    from onnx import TensorProto, helper

    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", tensors[:1], tensors[1:])
    assert kind(helper.make_model(graph, **about).SerializeToString()) == "onnx"


def test_a_classifier_as_skops(classifier: Any) -> None:
    import skops.io

    content = content_of(skops.io.dumps(classifier))
    assert content.kind == "skops"
    assert "schema.json" in content.members


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_classifier_as_a_pickle(classifier: Any, protocol: int) -> None:
    assert kind(pickle.dumps(classifier, protocol)) == "pickle"


class Plain:
    """An object of our own, with nothing in it."""


VALUES = {
    "object": Plain(),
    "empty dict": {},
    "dict": {"a": [1, 2.5, "x"]},
    "list": [1, 2, 3],
    "long list": list(range(1000)),
    "tuple": (1, "two"),
    "set": {1, 2},
    "class": OrderedDict,
    "nested": {"model": {"weights": [0.5] * 500, "name": "größe"}},
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_pickle_of_any_protocol(value: object, protocol: int) -> None:
    assert kind(pickle.dumps(value, protocol)) == "pickle"


def test_a_pickle_that_runs_a_command() -> None:
    assert kind(b"cposix\nsystem\n(S'touch x'\ntR.") == kind(b"(cposix\nsystem\nS'touch x'\no.") == "pickle"


@pytest.mark.parametrize(
    ("compress", "expected"),
    [
        (0, "pickle"),
        (True, "compressed"),
        *((("zlib", level), "compressed") for level in range(1, 10)),
        (("gzip", 3), "compressed"),
        (("bz2", 3), "compressed"),
        (("lzma", 3), "compressed"),
        (("xz", 3), "compressed"),
    ],
    ids=str,
)
def test_a_classifier_by_joblib(classifier: Any, tmp_path: Path, compress: Any, expected: str) -> None:
    import joblib

    joblib.dump(classifier, tmp_path / "m.joblib", compress=compress)
    assert kind((tmp_path / "m.joblib").read_bytes()) == expected


def test_a_joblib_file_that_carries_arrays(tmp_path: Path) -> None:
    import joblib
    import numpy as np

    joblib.dump({"weights": np.arange(10_000)}, tmp_path / "m.joblib")
    assert kind((tmp_path / "m.joblib").read_bytes()) == "pickle"


def saved(save: Callable[[Any], None]) -> bytes:
    raw = io.BytesIO()
    save(raw)
    return raw.getvalue()


@pytest.mark.parametrize("dtype", ["float64", "int8", "U5", "datetime64[s]"])
def test_an_array(dtype: str) -> None:
    import numpy as np

    assert kind(saved(lambda raw: np.save(raw, np.zeros((3, 2), dtype=dtype)))) == "npy"


@pytest.mark.parametrize("how", ["savez", "savez_compressed"])
def test_an_archive_of_arrays(how: str) -> None:
    import numpy as np

    content = content_of(saved(lambda raw: getattr(np, how)(raw, a=np.zeros(3), b=np.ones(2))))
    assert (content.kind, content.members) == ("npz", ("a.npy", "b.npy"))


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_a_parquet_file(compression: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"a": [1, 2, 3]})
    assert kind(saved(lambda raw: pq.write_table(table, raw, compression=compression))) == "parquet"


def test_an_arrow_file() -> None:
    import pyarrow as pa

    table = pa.table({"a": [1, 2, 3]})

    def save(raw: Any) -> None:
        with pa.ipc.new_file(raw, table.schema) as writer:
            writer.write_table(table)

    assert kind(saved(save)) == "arrow"


def test_a_database(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("create table t (x)")
    base.commit()
    base.close()
    assert kind((tmp_path / "a.db").read_bytes()) == "sqlite"


def test_a_csv_by_pyarrow() -> None:
    import pyarrow as pa
    from pyarrow import csv

    assert kind(saved(lambda raw: csv.write_csv(pa.table({"a": [1], "b": ["x"]}), raw))) == "text"


# Made by hand -------------------------------------------------------------------------------------------------------

SAFETENSORS = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"

BY_HAND: dict[str, tuple[str, bytes]] = {
    "nothing": ("empty", b""),
    "safetensors": ("safetensors", struct.pack("<Q", len(SAFETENSORS)) + SAFETENSORS + bytes(4)),
    "safetensors with a long header": ("safetensors", struct.pack("<Q", 1 << 20) + b"{" + b" " * 1000),
    "gguf": ("gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 0)),
    "tflite": ("tflite", struct.pack("<I", 0x1C) + b"TFL3" + bytes(20)),
    "hdf5": ("hdf5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
    "keras": ("keras", archive("metadata.json", "config.json", "model.weights.h5")),
    "torch": ("torch", archive("model/data.pkl", "model/data/0", "model/version")),
    "torch script": ("torch", archive("data.pkl", "code/m.py")),
    "zip": ("zip", archive("README.md", "model.onnx")),
    "compressed zip": ("zip", archive("a.txt", compression=zipfile.ZIP_DEFLATED)),
    "zip of one array and a note": ("zip", archive("a.npy", "note.txt")),
    "gzip": ("compressed", gzip.compress(b"x" * 100)),
    "lz4": ("compressed", b"\x04\x22\x4d\x18" + bytes(20)),
    "xgboost binary": ("xgboost-ubj", b"{L\0\0\0\0\0\0\0\x07learner{L\0\0\0\0\0\0\0\x0aattributes{}"),
    "xgboost": ("xgboost-json", b'{"learner":{"attributes":{}},"version":[2,1,0]}'),
    "lightgbm": ("lightgbm", b"tree\nversion=v4\nnum_class=1\n"),
    "pmml": ("pmml", b'<?xml version="1.0"?>\n<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4">'),
    "pmml at once": ("pmml", b'<PMML version="4.4">'),
    "lfs": ("lfs-pointer", LFS),
    "json": ("json", b'{"weights": [1, 2, 3]}'),
    "json after a mark and spaces": ("json", b'\xef\xbb\xbf\n  {"a": 1}'),
    "html": ("html", b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>"),
    "html in capitals": ("html", b"\n\n<HTML><HEAD>"),
    "xml": ("text", b'<?xml version="1.0"?>\n<feed/>'),
    "csv": ("text", b"a,b\n1,2\n3,4\n"),
    "csv with a mark": ("text", b"\xef\xbb\xbfa,b\n1,2\n"),
    "csv in another script": ("text", "größe,数据\n1,🦊\n".encode()),
    "csv of customers": ("text", b"customer_id,price (EUR),city\n1,2.5,Paris\n2,3.5,London\n"),
    "csv of powers": ("text", b"x^2,x^3\n1.5,2.5\n"),
    "csv of one column": ("text", b"city\nparis\nlondon (uk).\nrome\n"),
    "csv of numbers": ("text", b"0.5,1.5\n2.,3.\n"),
    "wide csv": ("text", ",".join(f"column_{number}" for number in range(200)).encode() + b"\n1.0,(2)\n"),
    "code": ("text", b"class A(object):\n    pass\n\nprint(A().x)\n"),
    "brackets and a stop": ("text", b"(((.\n"),
    "text in brackets": ("text", b"(c) 2024 Somebody\nAll rights reserved.\n\n"),
    "yaml": ("text", b"version: 1\nname: churn\n"),
    "text cut within a letter": ("text", ("x" * (HEAD - 1) + "ß").encode()),
    "latin-1": ("text-8-bit", "größe,farbe\n".encode("latin-1") + b"\xff,1\n" * 5),
    "zeros": ("unknown", bytes(100)),
    "one zero in a text": ("unknown", b"a,b\n1,\0\n"),
    "ELF": ("unknown", b"\x7fELF\x02\x01\x01" + bytes(50)),
    "end of an empty zip": ("unknown", archive()),
    "start of a zip and no more": ("unknown", b"PK\x03\x04"),
    "a mark and no text": ("unknown", b"\xef\xbb\xbf\0\x80"),
    "utf-16": ("text-utf-16", "a,b\n1,2\n".encode("utf-16")),
}


@pytest.mark.parametrize(("expected", "raw"), BY_HAND.values(), ids=BY_HAND)
def test_content_is_told_from_its_bytes(expected: str, raw: bytes) -> None:
    assert kind(raw) == expected


def test_every_kind_that_is_told_has_words_for_people() -> None:
    assert {expected for expected, _ in BY_HAND.values()} <= set(KINDS)


def test_what_runs_code_when_it_is_loaded_says_so() -> None:
    assert {name for name, words in KINDS.items() if "can run code" in words} == {"pickle", "compressed", "torch"}


def test_the_names_in_an_archive_are_kept() -> None:
    assert content_of(archive("b", "a/c")) == Content("zip", ("b", "a/c"))


def test_an_archive_of_very_many_files_is_read_in_part() -> None:
    assert len(content_of(archive(*(f"{number}.npy" for number in range(10_050)))).members) == 10_000


@pytest.mark.parametrize("cut", [0, 1, 10, 40])
def test_an_archive_that_was_cut_is_unknown(cut: int) -> None:
    raw = archive("schema.json", "a", "b")
    assert kind(raw[: len(raw) - 22 - cut]) == "unknown"


def test_a_model_is_no_text_though_its_name_says_so(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(pickle.dumps({"a": 1}))
    with path.open("rb") as stream:
        assert sniff(stream).kind == "pickle"


# Anything at all ----------------------------------------------------------------------------------------------------

STARTS = [
    b"", b"PK\x03\x04", b"PK", b"\x80\x04", b"c", b"(", b"]", b"}", b"(dp0\n", b"cos\nsystem\n", b"\x08\x0a\x12", b"{",
    b"{L\0\0\0\0\0\0", b"x^", b"\xef\xbb\xbf", b"<", b"tree\n", b"version https://git-lfs", b"\x93NUMPY", b"GGUF",
    b"ab\xffTFL3", struct.pack("<Q", 5) + b"{",
]  # fmt: skip


@given(st.sampled_from(STARTS), st.binary(max_size=HEAD))
def test_no_bytes_are_too_odd(start: bytes, rest: bytes) -> None:
    assert kind(start + rest) in KINDS


@given(st.binary(max_size=HEAD * 3).filter(lambda raw: not raw.startswith(b"PK\x03\x04")))
def test_of_what_is_no_archive_only_the_first_bytes_are_read(raw: bytes) -> None:
    stream = io.BytesIO(raw)
    found = sniff(stream)
    assert stream.tell() <= HEAD
    assert found == Content(kind_of(raw[:HEAD]))


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_no_line_of_a_text_is_taken_for_a_pickle(line: str) -> None:
    assert kind_of(f"{line}\n".encode()) not in ("pickle", "compressed") or line.startswith("BZh")


@given(st.data(), st.sampled_from([archive("schema.json"), archive("a.npy", "b.npy"), archive("m/data.pkl")]))
def test_an_archive_with_changed_bytes_is_read_or_unknown(data: st.DataObject, raw: bytes) -> None:
    changed = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert kind(bytes(changed)) in KINDS
