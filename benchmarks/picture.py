"""The picture in the README: a real run of the demo, exported by rich as SVG.

python -m benchmarks.picture [FILE]        (default .github/agent-fix.svg)
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from agent.fix import carry_out
from agent.intake import settings_from
from agent.run import begin
from agent.settings import resolve
from agent.view import View
from benchmarks.demo import make_repository

WIDTH = 112
DEFAULT = Path(__file__).parent.parent / ".github" / "agent-fix.svg"
# The fonts would be fetched from the network by whoever looks at the picture.
_FONT_FACE = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def main() -> None:
    """Run the demo and write the picture."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    console = Console(record=True, force_terminal=True, width=WIDTH, file=io.StringIO(), highlight=False)
    with tempfile.TemporaryDirectory(prefix="demo-") as scratch:
        repository = make_repository(Path(scratch) / "roombook")
        resolved = resolve({}, None)
        settings = settings_from(
            resolved, repository, {}, tests=(), junit=(), apply=False, branch="", patch_out=""
        )
        run = begin(settings, Path(scratch) / "trace")
        view = View(console, animated=False)
        view.started(settings, str(run.folder), ())
        report = carry_out(run, {}, view, None)
        view.ended(report)
    style = _FONT_FACE.sub("", CONSOLE_SVG_FORMAT)
    target.write_text(console.export_svg(title="$ agent fix", code_format=style))
    print(f"{target}: {report.outcome}, {report.steps} steps")
    raise SystemExit(report.exit_code)


if __name__ == "__main__":
    main()
