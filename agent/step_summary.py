"""What a run leaves in the summary of a CI job: how it ended, what it took, the head hash of its trace."""

from __future__ import annotations

import os
from pathlib import Path

from agent.handover_page import in_short
from agent.report import Report
from tools.plain import plain_line

VARIABLE = "GITHUB_STEP_SUMMARY"
"""Names a file of Markdown that GitHub Actions, and what is like it, shows with the job. Others may have
written to it before."""


def summary(report: Report) -> str:
    """The section as Markdown; what comes from the repository is text in it."""
    from agent.audit.markdown import escaped  # with what an audit says: only a run under CI waits for it

    told = {
        "bill": report.bill(),
        "run": report.run_id,
        "trace": report.trace,
        "head hash": report.head_hash,
        **({"to be told": ", ".join(report.notify)} if report.notify else {}),
    }
    lines = [f"- {name}: {escaped(plain_line(said))}" for name, said in told.items()]
    if report.handover is not None:
        lines += [f"- {escaped(plain_line(said, 500))}" for said in in_short(report.handover)]
    title = f"## agent fix: {escaped(report.outcome)}"
    return "\n".join(["", title, "", escaped(plain_line(report.explanation, 500)), "", *lines, ""])


def add_summary(report: Report) -> str:
    """Append a run's section to the summary of this CI job (see `add_to_summary`)."""
    return add_to_summary(summary(report)) if os.environ.get(VARIABLE) else ""


def add_to_summary(section: str) -> str:
    """Append a section of Markdown to the summary of this CI job, if there is one. Returns why that cannot be
    done, or "": it is no reason to fail a run."""
    name = os.environ.get(VARIABLE, "")
    if not name:
        return ""
    path = Path(name)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            return f"nothing was added to {path} ({VARIABLE}): it is not a file"
        with path.open("a", encoding="utf-8") as stream:
            stream.write(section)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return f"nothing was added to {path} ({VARIABLE}): {why}"
    return ""
