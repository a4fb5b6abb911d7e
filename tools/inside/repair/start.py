"""Entry point inside the sandbox: `PYTHON /opt/agent-inside/repair/start.py MODULE`, settings on stdin.

Our files become the package `_agent_inside`, so that no module of ours can be taken for one of the
repository's, and standard modules are imported while neither the repository's folder nor PYTHONPATH is on
the path, so that no module of the repository can be taken for a standard one.
"""

from __future__ import annotations

import sys

OURS = __file__.rpartition("/")[0]
saved_path = [entry for entry in sys.path if entry != OURS]
sys.path[:] = [
    entry for entry in saved_path if entry.startswith(sys.base_prefix) and "-packages" not in entry
]
sys.dont_write_bytecode = True

import importlib  # noqa: E402 (only now is the path safe)
import importlib.util  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402

PACKAGE = "_agent_inside"
MODULES = {
    "localise": f"{PACKAGE}.trace_coverage",
    "search": f"{PACKAGE}.repair.screen",
    "screen": f"{PACKAGE}.repair.given",
}


def main() -> int:
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 (light imports)
    spec = importlib.util.spec_from_file_location(
        PACKAGE,
        f"{root}/__init__.py",
        submodule_search_locations=[root],
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    module = importlib.import_module(MODULES[sys.argv[1]])
    settings = json.load(sys.stdin)
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.close(devnull)
    sys.path[:] = saved_path
    return int(module.main(settings))


if __name__ == "__main__":
    sys.exit(main())
