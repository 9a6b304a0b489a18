"""The native kernel, its readable twin and the fold table."""
