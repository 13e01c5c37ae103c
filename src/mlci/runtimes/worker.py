"""The worker: a process of its own that loads one model and answers requests, one JSON line each.

It is started as ``python -I worker.py RUNTIME_FILE`` by the model's own interpreter, which needs numpy and the model's
framework but not mlci. Tensors are those of the Open Inference Protocol v2 (name, datatype, shape, data); a large one
travels as a .npy file that ``parameters.npy`` names. What the model prints goes to stderr and never into a reply.
"""

import importlib.util
import itertools
import json
import os
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


def decode(tensor):
    """An array from a tensor; text and missing values make it an array of objects."""
    import numpy as np

    file = tensor.get("parameters", {}).get("npy")
    if file:
        return np.load(file, allow_pickle=False)
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
        path = os.path.join(scratch, "%d-%d.npy" % (os.getpid(), next(_number)))
        np.save(path, np.ascontiguousarray(array), allow_pickle=False)
        tensor["parameters"] = {"npy": path}
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
        inputs = {tensor["name"]: decode(tensor) for tensor in request["inputs"]}
        outputs = self.adapter.predict(inputs)
        reply = {"outputs": [encode(name, values, self.scratch) for name, values in outputs.items()]}
        classes = getattr(self.adapter, "classes", None)
        if classes is not None:
            reply["classes"] = classes
        return reply


def failure(error):
    kind = "missing" if isinstance(error, ImportError) else getattr(error, "kind", "error")
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
