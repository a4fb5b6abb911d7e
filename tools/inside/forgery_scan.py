"""Static scan of a candidate patch for code that would forge a verdict; runs inside the sandbox.

Reads JSON from stdin: `files` [{path, base, after}] (base64 or null), `tests` [base64], `doctests` [path].
Prints JSON: a list of findings {path, line, rule, sentence}. Only what the patch brings newly is reported:
each suspicious construct is counted before and after, by its normalised source.
"""

from __future__ import annotations

import ast
import base64
import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.inside import forgery_cases, forgery_rules, forgery_visitor
else:
    import forgery_cases
    import forgery_rules
    import forgery_visitor

Finding = dict[str, Any]


def scan(
    path: str, base: bytes | None, after: bytes, literals: set[Any], is_doctest: bool
) -> Iterator[Finding]:
    """Findings in one file of the patch."""
    tree = _parse(after)
    if tree is None:
        yield _finding(path, 1, "unreadable", "")
        return
    old = _parse(base or b"") or ast.parse("")
    known = Counter((rule, what) for rule, what, _ in forgery_visitor.known_before(old, tree))
    for rule, what, line in forgery_visitor.suspects(tree):
        if known[rule, what] > 0:
            known[rule, what] -= 1
        else:
            yield _finding(path, line, rule, what)
    for what, line in forgery_cases.special_cases(old, tree, literals):
        yield _finding(path, line, "special case", what)
    if is_doctest and _docstrings(old) != _docstrings(tree):
        yield _finding(path, 1, "doctest", "")


def _finding(path: str, line: int, rule: str, what: str) -> Finding:
    sentence = forgery_rules.SENTENCES[rule]
    return {
        "path": path,
        "line": line,
        "rule": rule,
        "sentence": f"{sentence} ({what[:200]})" if what else sentence,
    }


def _parse(source: bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError, UnicodeDecodeError):
        return None


def _docstrings(tree: ast.Module) -> list[tuple[str, str]]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (getattr(node, "name", ""), ast.get_docstring(node, clean=False) or "")
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]


def main() -> None:
    """Scan what stdin holds."""
    request = json.load(sys.stdin)
    literals: set[Any] = set()
    for encoded in request["tests"]:
        tree = _parse(base64.b64decode(encoded))
        if tree is not None:
            literals |= forgery_cases.literals_of(tree)
    findings: list[Finding] = []
    for file in request["files"]:
        if file["after"] is None or not file["path"].endswith((".py", ".pyw", ".pyi")):
            continue
        base = None if file["base"] is None else base64.b64decode(file["base"])
        after = base64.b64decode(file["after"])
        findings += scan(file["path"], base, after, literals, file["path"] in request["doctests"])
    json.dump(findings, sys.stdout)


if __name__ == "__main__":
    main()
