"""scikit-learn estimators saved by skops, which lists the types in a file before it makes any of them.

A type that skops does not trust is refused by name; `mlci check --trust NAME` allows it for one run.
"""

EXTRA = "sklearn"
MODULES = ("pandas", "scipy", "sklearn", "skops")
KINDS = ("skops",)


class Untrusted(Exception):
    """The file holds types that nobody allowed."""

    kind = "untrusted"

    def __init__(self, names):
        super().__init__("it holds types that skops does not trust: " + ", ".join(names))
        self.names = names


class Adapter:
    def __init__(self, path, options):
        import skops.io

        trusted = options.get("trust", [])
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        if unknown:
            raise Untrusted(unknown)
        self.model = skops.io.load(path, trusted=trusted)
        classes = getattr(self.model, "classes_", None)
        self.classes = None if classes is None else classes.tolist()

    def signature(self):
        names = getattr(self.model, "feature_names_in_", None)
        width = getattr(self.model, "n_features_in_", -1)
        outputs = [
            {
                "name": "prediction",
                "datatype": "BYTES" if self.classes and isinstance(self.classes[0], str) else "FP64",
                "shape": [-1],
            }
        ]
        if hasattr(self.model, "predict_proba"):
            outputs.append({"name": "probabilities", "datatype": "FP64", "shape": [-1, len(self.classes)]})
        return {
            "inputs": [{"name": "X", "datatype": "FP64", "shape": [-1, width]}],
            "outputs": outputs,
            "classes": self.classes,
            "features": None if names is None else [str(name) for name in names],
        }

    def predict(self, inputs):
        rows = self._rows(inputs)
        outputs = {"prediction": self.model.predict(rows)}
        if hasattr(self.model, "predict_proba"):
            outputs["probabilities"] = self.model.predict_proba(rows)
        return outputs

    def _rows(self, inputs):
        import numpy as np

        if getattr(self.model, "feature_names_in_", None) is not None:
            # a model that was fitted on named columns may select among them by name
            import pandas as pd

            return pd.DataFrame(inputs)
        return np.column_stack(list(inputs.values()))
