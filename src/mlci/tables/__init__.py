"""Tables: files of rows, read through DuckDB."""
