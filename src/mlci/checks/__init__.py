"""The checks: one file each. A check's docstring is its page in the catalogue.

A module declares ``GROUP`` (what ``--only`` selects it by), ``SCOPE`` (whether a dataset or the model asks for it),
``OPTIONS`` (the JSON Schema of its options) and the generator ``check``.
"""
