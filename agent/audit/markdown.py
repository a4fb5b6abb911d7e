"""An audit as Markdown. What comes from a trace is text, whatever Markdown or HTML it looks like."""

from __future__ import annotations

import re

from agent.audit.results_sums import Audit
from agent.audit.section import Section, Table
from agent.audit.sections import sections

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:$=^-])")
"""All that begins markup, a table cell, an HTML tag or entity, a link, or a mention of a person."""

_POINTS = re.compile(r"(^\d+|www)\.", re.IGNORECASE)


def markdown(audit: Audit) -> str:
    """The sections as headings, lists and tables."""
    return "# Audit\n\n" + "\n".join(_section(section) for section in sections(audit))


def _section(section: Section) -> str:
    lines = [f"## {escaped(section.title)}", ""]
    for line in section.lines:
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(f"{indent}- {escaped(line.strip())}")
    if section.table is not None:
        lines += ["", *_table(section.table)] if section.lines else _table(section.table)
    if section.remarks:
        lines += ["", *(f"- {escaped(remark)}" for remark in section.remarks)]
    return "\n".join([*lines, ""])


def _table(table: Table) -> list[str]:
    heads = [escaped(column.rstrip(">")) for column in table.columns]
    rule = ["---:" if column.endswith(">") else "---" for column in table.columns]
    rows = [[escaped(cell) for cell in row] for row in table.rows]
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]


def escaped(text: str) -> str:
    """Text of which Markdown makes nothing else. Digits before a point would begin a list, `www.` a link."""
    return _POINTS.sub(r"\1\\.", _MARKS.sub(r"\\\1", text))
