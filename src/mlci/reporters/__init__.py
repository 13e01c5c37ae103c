"""The reporters: one file each, a function ``render(report, decision) -> str`` that works from these two alone."""
