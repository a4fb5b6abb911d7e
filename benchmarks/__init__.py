"""One runnable module per claim in the README; each prints a table and writes JSON with `--json FILE`."""
