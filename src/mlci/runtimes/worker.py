"""The worker: a process of its own that loads one model and answers requests, one JSON line each.

It is started as ``python -I worker.py RUNTIME_FILE`` by the model's own interpreter, which needs numpy and the model's
framework but not mlci. Tensors are those of the Open Inference Protocol v2 (name, datatype, shape, data); a large one
travels as a .npy file that ``parameters.npy`` names. What the model prints goes to stderr and never into a reply.
"""

import importlib.util
import itertools
import json
import math
import os
import stat
import sys

INLINE = 10_000
"""Numbers that still travel as JSON; above that a file is faster."""

_number = itertools.count()


def datatype(array):
    """The Open Inference Protocol v2 name of a numpy type."""
    kind, size = array.dtype.kind, array.dtype.itemsize * 8
    if kind == "b":
        return "BOOL"
    if kind in "iuf":
        return {"i": "INT", "u": "UINT", "f": "FP"}[kind] + str(size)
    return "BYTES"


MAX_FILE = 8 << 30
"""Bytes of the largest array that is read from a file."""


def load_file(name, scratch):
    """An array from a file of ``scratch``. The other side may name whatever it likes: only a regular file is read."""
    import numpy as np

    if os.path.basename(name) != name:
        raise ValueError("an array is named by a file of the scratch folder")
    # O_NONBLOCK: a named pipe must not wait for its other end
    descriptor = os.open(os.path.join(scratch, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_blocks * 512 > MAX_FILE or status.st_size > MAX_FILE:
            raise ValueError("an array is a regular file of at most %d bytes" % MAX_FILE)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        # a header may promise more than there is, and memory is taken for what it promises
        if dtype.hasobject or dtype.itemsize * math.prod(shape) != status.st_size - file.tell():
            raise ValueError("the file of an array does not hold what its header says")
        file.seek(0)
        return np.load(file, allow_pickle=False)


def decode(tensor, scratch):
    """An array from a tensor; text and missing values make it an array of objects."""
    import numpy as np

    file = tensor.get("parameters", {}).get("npy")
    if file:
        return load_file(file, scratch)
    names = {"BOOL": "bool", "FP16": "float16", "FP32": "float32", "FP64": "float64"}
    kind = tensor["datatype"]
    dtype = object if kind == "BYTES" else names.get(kind) or kind.lower()
    data = (
        [float("nan") if value is None else value for value in tensor["data"]]
        if kind.startswith("FP")
        else tensor["data"]
    )
    return np.array(data, dtype=dtype).reshape(tensor["shape"])


def encode(name, array, scratch):
    """A tensor from an array; ``scratch`` is the folder for large ones."""
    import numpy as np

    array = np.asarray(array)
    tensor = {"name": name, "datatype": datatype(array), "shape": list(array.shape)}
    if tensor["datatype"] == "BYTES":
        flat = array.reshape(-1).tolist()
        tensor["data"] = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in flat]
    elif array.size > INLINE or (array.dtype.kind == "f" and np.isinf(array).any()):
        # numbered, so that a repeated name never meets a file that the other side still reads;
        # JSON has no infinity, so that one travels as a file as well
        name = "%d-%d.npy" % (os.getpid(), next(_number))
        np.save(os.path.join(scratch, name), np.ascontiguousarray(array), allow_pickle=False)
        tensor["parameters"] = {"npy": name}
    else:
        # nor has it NaN, which travels as null
        tensor["data"] = [None if value != value else value for value in array.reshape(-1).tolist()]
    return tensor


def limit_memory(size):
    """Bound the address space, where the platform knows how."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))


class Session:
    """One loaded model."""

    def __init__(self, runtime):
        self.runtime = runtime
        self.adapter = None
        self.scratch = None

    def load(self, request):
        if request.get("memory"):
            limit_memory(request["memory"])
        self.scratch = request["scratch"]
        self.adapter = self.runtime.Adapter(request["path"], request.get("options", {}))
        return self.adapter.signature()

    def infer(self, request):
        inputs = {tensor["name"]: decode(tensor, self.scratch) for tensor in request["inputs"]}
        outputs = self.adapter.predict(inputs)
        reply = {"outputs": [encode(name, values, self.scratch) for name, values in outputs.items()]}
        classes = getattr(self.adapter, "classes", None)
        if classes is not None:
            reply["classes"] = classes
        return reply


def failure(error):
    kind = "missing" if isinstance(error, ModuleNotFoundError) else getattr(error, "kind", "error")
    if isinstance(error, MemoryError):
        kind = "memory"
    return {
        "error": {
            "kind": kind,
            "type": type(error).__name__,
            "message": str(error)[:2000],
            "module": getattr(error, "name", None) or "",
            "names": list(getattr(error, "names", ()))[:100],
        }
    }


def main():
    # replies have a descriptor of their own; whatever the model prints goes to stderr
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    spec = importlib.util.spec_from_file_location("mlci_runtime", sys.argv[1])
    runtime = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runtime)
    session = Session(runtime)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            reply = session.load(request) if request["op"] == "load" else session.infer(request)
            text = json.dumps({"id": request["id"], **reply}, allow_nan=False)
        except Exception as error:  # noqa: BLE001  # whatever a model raises is an answer
            text = json.dumps({"id": request["id"], **failure(error)})
        replies.write(text + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
