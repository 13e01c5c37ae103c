"""Formats of data contracts, one module each: ``recognises(data)`` and ``read(document, table)``."""
