#!python
"""The `agent` command: start the runtime from its own installation, whatever folder or PYTHONPATH this is.

A repository under repair may have packages called `agent` or `tools`, and PYTHONPATH may point at it.
So the first act is to start again without the environment's and the folder's say in `sys.path`
(`-E -P`; not `-I`, which would also hide an installation made with `pip install --user`).
"""

import os
import sys

if not (sys.flags.ignore_environment and sys.flags.safe_path):
    os.execv(sys.executable, [sys.executable, "-E", "-P", __file__, *sys.argv[1:]])  # noqa: S606

try:
    from agent.cli import main

    main()
except KeyboardInterrupt:  # before or after a run; a run under way ends itself
    sys.exit(130)
