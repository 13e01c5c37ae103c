"""What a file is, told from its first bytes; a name says nothing about content."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from mlci.repo import is_lfs_pointer

HEAD = 512


@dataclass(frozen=True, slots=True)
class Content:
    """The kind of a file, and for an archive the names in it."""

    kind: str
    members: tuple[str, ...] = ()


# Kind -> what it is, as a person reads it. Kinds that run code when they are loaded say so.
KINDS = {
    "onnx": "an ONNX model",
    "skops": "a skops archive (scikit-learn)",
    "xgboost-json": "an XGBoost model (JSON)",
    "xgboost-ubj": "an XGBoost model (UBJSON)",
    "lightgbm": "a LightGBM model (text)",
    "safetensors": "a safetensors file",
    "gguf": "a GGUF file",
    "tflite": "a TensorFlow Lite model",
    "keras": "a Keras archive",
    "hdf5": "an HDF5 file",
    "torch": "a PyTorch archive, which holds a pickle and can run code when it is loaded",
    "pickle": "a pickle, which can run code when it is loaded",
    "compressed": "a compressed file, such as a joblib pickle, which can run code when it is loaded",
    "npy": "a NumPy array",
    "npz": "a NumPy archive",
    "zip": "a zip archive",
    "pmml": "a PMML document",
    "parquet": "a parquet file",
    "arrow": "an Arrow file",
    "arrow-stream": "an Arrow stream",
    "duckdb": "a DuckDB database",
    "sqlite": "a SQLite database",
    "json": "a JSON document",
    "json-lines": "JSON lines",
    "html": "an HTML page, often an error page saved in place of a download",
    "lfs-pointer": "a Git LFS pointer, not the file itself",
    "dvc-pointer": "a DVC pointer, not the file itself",
    "text": "text",
    "text-utf-16": "text in UTF-16",
    "text-8-bit": "text that is not in UTF-8",
    "empty": "an empty file",
    "folder": "a folder",
    "unknown": "content that mlci does not know",
}

RUNS_CODE = ("pickle", "compressed", "torch")
"""Kinds that can run code when they are loaded, or that may hold one that does."""

FETCH = {
    "lfs-pointer": "git lfs pull; in a workflow, check out with `lfs: true`",
    "dvc-pointer": "name the file that it stands for, without `.dvc`, and fetch it: dvc pull",
}
"""Kinds that stand for a file that is elsewhere -> how to get it."""

_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PARE", "parquet"),
    (b"ARROW1", "arrow"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"GGUF", "gguf"),
    (b"\x93NUMPY", "npy"),
    (b"\x1f\x8b", "compressed"),
    (b"BZh", "compressed"),
    (b"\xfd7zXZ\0", "compressed"),
    (b"\x5d\0\0", "compressed"),
    (b"\x04\x22\x4d\x18", "compressed"),
    (b"\x78\x01", "compressed"),
    (b"\x78\x9c", "compressed"),
    (b"\x78\xda", "compressed"),
)


def sniff(stream: BinaryIO) -> Content:
    """The content of an open file; reads its first bytes and, of a zip archive, the directory."""
    head = stream.read(HEAD)
    if head.startswith(b"PK\x03\x04"):
        stream.seek(0)
        return _archive(stream)
    return Content(kind_of(head))


def kind_of(head: bytes) -> str:
    """The kind of a file that begins with ``head`` (its first 512 bytes are enough) and is no zip archive."""
    if not head:
        return "empty"
    if is_lfs_pointer(head):
        return "lfs-pointer"
    if _is_duckdb(head):
        return "duckdb"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[4:8] == b"TFL3":
        return "tflite"
    if head.startswith(b"\xff\xff\xff\xff") and len(head) > 8 and 0 < int.from_bytes(head[4:8], "little") < 1 << 28:
        return "arrow-stream"
    if _is_pickle(head):
        return "pickle"
    if _is_onnx(head):
        return "onnx"
    if len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100 << 20:
        return "safetensors"
    if head.startswith(b"{L\0\0\0\0\0\0") and b"learner" in head:
        return "xgboost-ubj"
    text = _text(head)
    # the zlib header of joblib's usual level is also how a text may begin: x^2
    return "compressed" if text == "unknown" and head.startswith(b"x^") else text


def _is_duckdb(head: bytes) -> bool:
    # a checksum, which may be any bytes, the magic, and a version that is a small number (duckdb, main_header.cpp)
    if head[8:12] != b"DUCK" or head[14:20] != bytes(6):
        return False
    # which a pickle can hold as well, that goes on behind it; a checksum that looks like the start of one does not
    return not (_goes_on(head) if head[0] == 0x80 else _is_pickle(head))


def _goes_on(head: bytes) -> bool:
    import pickletools

    position = 0
    try:
        for _, _, at in pickletools.genops(head):
            position = at or 0
    except ValueError:
        pass
    return position >= 20


def _is_pickle(head: bytes) -> bool:
    if head[0] == 0x80 and len(head) > 1 and head[1] in (2, 3, 4, 5):
        return True
    # protocols 0 and 1 have no magic: what they begin with begins texts as well, which soon hold what is no opcode
    if head[0] not in b"(]})c":
        return False
    import pickletools

    read, arguments = 0, 0
    try:
        for opcode, argument, position in pickletools.genops(head):
            if opcode.name == "GLOBAL" and not re.fullmatch(r"[\w.]+ [\w.]+", str(argument)):
                return False
            read += 1
            arguments += argument is not None
            if opcode.name == "STOP" and position == len(head) - 1:
                return True
    except ValueError as error:
        if len(head) < HEAD or "unknown" in str(error):
            return False  # it does not go on beyond these bytes, or is none
    return read >= 4 and arguments > 0


def _is_onnx(head: bytes) -> bool:
    # a protobuf whose first field is ir_version (1, varint) and whose next is another field of ModelProto
    # (onnx.proto: producer_name 2 ... graph 7, opset_import 8, all length-delimited)
    if len(head) < 3 or head[0] != 0x08 or not 0 < head[1] < 0x40:
        return False
    return head[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)


# a StringStringEntryProto whose key is "location": field 1, eight bytes; field 2, a length and the value (onnx.proto)
_LOCATION = re.compile(rb"\x0a\x08location\x12([\x00-\x7f]|[\x80-\xff][\x01-\x7f])")
_WINDOW = 1 << 24


def onnx_external_data(stream: BinaryIO) -> list[str]:
    """The names of the files that an ONNX model keeps weights in (TensorProto.external_data), sorted."""
    found: set[str] = set()
    rest = b""
    while chunk := stream.read(_WINDOW):
        held = rest + chunk
        for match in _LOCATION.finditer(held):
            size = match.group(1)
            length = size[0] if len(size) == 1 else (size[0] & 0x7F) | size[1] << 7
            value = held[match.end() : match.end() + length]
            if len(value) == length:
                found.add(value.decode("utf-8", "surrogateescape"))
        rest = held[-32_768:]  # longer than any name: what straddles two windows is whole in the next
    return sorted(found)


# what `dvc add` writes
_DVC = re.compile(r"(?:md5: [0-9a-f]{32}\n|wdir: .*\n|frozen: .*\n)*outs:\n- (?:md5|hash|size|path|nfiles|cache|etag)")


def _text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _utf16(head)
    head = head.removeprefix(b"\xef\xbb\xbf")  # not by utf-8-sig, whose errors count from behind the mark
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return _eight_bit(head)
        text = head[: error.start].decode()
    if any(ord(char) < 9 for char in text):
        return "unknown"
    if _DVC.match(text):
        return "dvc-pointer"
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return "html"
    if (start.startswith("<?xml") and "<pmml" in start) or start.startswith("<pmml"):
        return "pmml"
    if start.startswith("tree\n") and "version=" in start:
        return "lightgbm"
    if start.startswith("{"):
        return "json-lines" if _are_lines(text) else "xgboost-json" if '"learner"' in start else "json"
    return "json" if start.startswith("[") and _is_array(text) else "text"


def _utf16(head: bytes) -> str:
    try:
        text = head[: len(head) & ~1].decode("utf-16")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-16") if error.start > len(head) - 4 else "\0"
    return "unknown" if any(ord(char) < 9 for char in text) else "text-utf-16"


def _eight_bit(head: bytes) -> str:
    """Text in an encoding of one byte a character: mostly ASCII, and none of its control characters."""
    plain = sum(32 <= byte < 127 or byte in b"\t\n\r\f" for byte in head)
    control = any((byte < 32 and byte not in b"\t\n\r\f") or byte == 127 for byte in head)
    return "unknown" if control or plain * 2 < len(head) else "text-8-bit"


def _are_lines(text: str) -> bool:
    """Whether the first line is one whole object, and another one begins behind it."""
    first, _, rest = text.lstrip().partition("\n")
    return rest.lstrip().startswith("{") and _is_object(first)


def _is_object(text: str) -> bool:
    import json

    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_array(text: str) -> bool:
    # as JSON begins one; a header may begin with the name of a column in brackets
    return re.match(r"\s*\[\s*([\[{\"\]]|-?\d)", text) is not None


def _archive(stream: BinaryIO) -> Content:
    try:
        with zipfile.ZipFile(io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream) as archive:
            names = tuple(archive.namelist()[:10_000])
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, UnicodeDecodeError):
        return Content("unknown")
    if "schema.json" in names:
        return Content("skops", names)
    if "config.json" in names and "metadata.json" in names:
        return Content("keras", names)
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        return Content("torch", names)
    if names and all(name.endswith(".npy") for name in names):
        return Content("npz", names)
    return Content("zip", names)
