"""ONNX models, by onnxruntime on the CPU.

A model with one input a column gets each column by its name; a model with one two-dimensional input gets the columns
stacked. A converter's ZipMap (a list of mappings) is read as a matrix of probabilities.
"""

EXTRA = "onnx"
MODULES = ("onnxruntime",)
KINDS = ("onnx",)

_TYPES = {
    "tensor(float)": ("FP32", "float32"),
    "tensor(double)": ("FP64", "float64"),
    "tensor(float16)": ("FP16", "float16"),
    "tensor(bool)": ("BOOL", "bool"),
    "tensor(string)": ("BYTES", "object"),
    **{
        f"tensor({kind}{size})": (f"{kind.upper()}{size}", f"{kind}{size}")
        for kind in ("int", "uint")
        for size in (8, 16, 32, 64)
    },
}


class Unsupported(Exception):
    """The model takes or gives something that this runtime does not pass on."""


class Adapter:
    def __init__(self, path, options):
        import onnxruntime

        quiet = onnxruntime.SessionOptions()
        quiet.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, quiet, providers=["CPUExecutionProvider"])
        self.classes = None

    def signature(self):
        return {
            "inputs": [self._tensor(node) for node in self.session.get_inputs()],
            "outputs": [self._tensor(node) for node in self.session.get_outputs()],
        }

    def _tensor(self, node):
        shape = [size if isinstance(size, int) else -1 for size in node.shape or ()]
        return {"name": node.name, "datatype": _TYPES.get(node.type, ("BYTES", ""))[0], "shape": shape}

    def predict(self, inputs):
        import numpy as np

        nodes = self.session.get_inputs()
        feed = {}
        if len(nodes) == 1 and nodes[0].name not in inputs:
            feed[nodes[0].name] = self._cast(np.column_stack(list(inputs.values())), nodes[0])
        else:
            for node in nodes:
                values = self._cast(inputs[node.name], node)
                feed[node.name] = values.reshape(-1, 1) if values.ndim == 1 and len(node.shape) == 2 else values
        rows = len(next(iter(feed.values())))
        if all(isinstance(node.shape[0], int) and node.shape[0] == 1 for node in nodes if node.shape):
            parts = [
                self.session.run(None, {name: values[row : row + 1] for name, values in feed.items()})
                for row in range(rows)
            ]
            results = [[item for part in column for item in part] for column in zip(*parts, strict=True)]
        else:
            results = self.session.run(None, feed)
        names = [node.name for node in self.session.get_outputs()]
        return {name: self._values(values) for name, values in zip(names, results, strict=True)}

    def _cast(self, values, node):
        if node.type not in _TYPES:
            raise Unsupported(f"the input {node.name} is a {node.type}")
        import numpy as np

        kind = _TYPES[node.type][1]
        with np.errstate(invalid="ignore"):
            cast = values.astype(kind)
        if "int" in kind and (cast != values).any():
            # NaN would become some number, and 1.5 would become 1
            raise Unsupported(f"the input {node.name} takes whole numbers, and the data hold a missing or broken one")
        return cast

    def _values(self, values):
        import numpy as np

        if isinstance(values, list) and values and isinstance(values[0], dict):
            self.classes = sorted(values[0])
            return np.array([[row[name] for name in self.classes] for row in values])
        return np.asarray(values)
