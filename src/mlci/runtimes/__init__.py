"""The runtimes: what executes an artifact, one file each.

A runtime that runs a framework is loaded inside a worker process, in the model's own interpreter, so its file imports
the standard library only, and its framework inside its functions. It declares ``EXTRA`` (the extra of mlci that brings
the framework), ``MODULES`` (what it imports of that), ``KINDS`` (the contents it can load, as ``mlci.content`` names
them) and the class ``Adapter``.

A runtime that needs no process of its own declares ``open_predictor`` in place of ``Adapter``.
"""
