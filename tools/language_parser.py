"""Maps source files in JavaScript, TypeScript, Go and PHP with tree-sitter. A process of its own.

Started by `tools.languages`, never imported by the runtime: what is parsed is hostile, and a crash or a hang
here is an observation. JSON on stdin: `files` [{path, text}], `seconds`. Rows as in `inside/mapping.py` on
stdout, one JSON line each.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tree_sitter_go
import tree_sitter_javascript
import tree_sitter_php
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

MEMORY_BYTES = 2**30
MAX_OUTPUT = 32_000_000
MAX_NAMES = 300
MAX_NAME = 200
MAX_DEFINITIONS = 5_000
Row = dict[str, Any]
_DOTTED = re.compile(r"[\w$]+(?:(?:\.|\?\.|::|->)[\w$]+)*")


@dataclass(frozen=True)
class Grammar:
    """Node types by what they are. calls: type -> the field that names what is called."""

    functions: frozenset[str]
    classes: frozenset[str]
    imports: frozenset[str]
    calls: dict[str, str]
    names: frozenset[str]
    types: frozenset[str]


SCRIPT = Grammar(
    functions=frozenset({"function_declaration", "generator_function_declaration", "method_definition"}),
    classes=frozenset({
        "class_declaration", "abstract_class_declaration", "interface_declaration", "type_alias_declaration",
        "enum_declaration",
    }),
    imports=frozenset({"import_statement"}),
    calls={"call_expression": "function", "new_expression": "constructor"},
    names=frozenset({"identifier", "shorthand_property_identifier"}),
    types=frozenset({"type_identifier", "class_heritage"}),
)  # fmt: skip
GO = Grammar(
    functions=frozenset({"function_declaration", "method_declaration"}),
    classes=frozenset({"type_spec"}),
    imports=frozenset({"import_declaration"}),
    calls={"call_expression": "function"},
    names=frozenset({"identifier"}),
    types=frozenset({"type_identifier"}),
)
PHP = Grammar(
    functions=frozenset({"function_definition", "method_declaration"}),
    classes=frozenset(
        {"class_declaration", "interface_declaration", "trait_declaration", "enum_declaration"}
    ),
    imports=frozenset({"namespace_use_declaration"}),
    calls={
        "function_call_expression": "function",
        "member_call_expression": "name",
        "nullsafe_member_call_expression": "name",
        "scoped_call_expression": "name",
    },
    names=frozenset({"name"}),
    types=frozenset({"named_type", "base_clause", "class_interface_clause"}),
)
TESTS = {"test", "it", "describe", "suite"}


def grammar_of(path: str) -> tuple[object, Grammar] | None:
    """The language of a file by its name."""
    match path.rpartition(".")[2]:
        case "js" | "mjs" | "cjs" | "jsx":
            return tree_sitter_javascript.language(), SCRIPT
        case "ts" | "mts" | "cts":
            return tree_sitter_typescript.language_typescript(), SCRIPT
        case "tsx":
            return tree_sitter_typescript.language_tsx(), SCRIPT
        case "go":
            return tree_sitter_go.language(), GO
        case "php":
            return tree_sitter_php.language_php(), PHP
    return None


def text_of(node: Node | None) -> str:
    """The source of a node, cut."""
    return (
        (node.text or b"")[: 4 * MAX_NAME].decode("utf-8", "replace")[:MAX_NAME] if node is not None else ""
    )


def walk(node: Node) -> Iterator[Node]:
    """All named nodes below, in order, without recursion."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += reversed(each.named_children)


def mapped(path: str, text: str, end: float) -> Row | None:
    """What a file defines, as `inside/mapping.py` says it."""
    known = grammar_of(path)
    if known is None:
        return None
    language, grammar = known
    root = Parser(Language(language)).parse(text.encode()).root_node
    row: Row = {"event": "file", "path": path, "lines": text.count("\n") + 1, "size": len(text.encode())}
    imports = [node for node in root.named_children if node.type in grammar.imports]
    first = imports[0].start_point.row + 1 if imports else 0
    last = imports[-1].end_point.row + 1 if imports else 0
    definitions: list[Row] = []
    for definition in _definitions(root, grammar):
        if len(definitions) >= MAX_DEFINITIONS or time.monotonic() > end:
            break
        definitions.append(definition)
    return {**row, "imports": [first, last], "bound": _bound(path, root), "definitions": definitions}


def _definitions(root: Node, grammar: Grammar) -> Iterator[Row]:
    waiting: list[tuple[Node, str]] = [(root, "")]
    while waiting:
        node, prefix = waiting.pop()
        inner = prefix
        if node.type in grammar.functions:
            receiver = text_of(node.child_by_field_name("receiver"))
            owner = re.findall(r"(\w+)\s*(?:\[[^\]]*\])?\s*\)$", receiver)
            name = ".".join([*owner, text_of(node.child_by_field_name("name"))])
            yield _row(node, prefix + name, "method" if prefix or owner else "function", grammar)
            continue
        if node.type in grammar.classes:
            inner = f"{prefix}{text_of(node.child_by_field_name('name'))}."
            yield _class(node, inner[:-1], grammar)
        elif node.type == "variable_declarator":
            value = node.child_by_field_name("value")
            name = text_of(node.child_by_field_name("name"))
            if value is not None and value.type in ("arrow_function", "function_expression", "function"):
                yield _row(node.parent or node, prefix + name, "function", grammar)
                continue
            if node.parent is not None and node.parent.parent == root and name.isidentifier():
                yield _row(node.parent, name, "constant", grammar)
        elif node.type == "call_expression" and (named := _test_name(node)):
            title = prefix + named
            inner = f"{title} > "
            if not any(each.type == "call_expression" and _test_name(each) for each in _inside(node)):
                yield _row(node, title, "test", grammar)
                continue
        waiting += [(child, inner) for child in reversed(node.named_children)]


def _inside(node: Node) -> Iterator[Node]:
    nodes = walk(node)
    next(nodes)
    return nodes


def _test_name(call: Node) -> str:
    """`name` of a call like test("name", …)."""
    function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if text_of(function).partition(".")[0] not in TESTS or arguments is None or not arguments.named_children:
        return ""
    first = arguments.named_children[0]
    return text_of(first)[1:-1] if first.type in ("string", "template_string") else ""


def _row(node: Node, name: str, kind: str, grammar: Grammar) -> Row:
    start = (
        node.parent
        if node.parent is not None and node.parent.type in ("export_statement", "type_declaration")
        else node
    )
    return {
        "name": name[:MAX_NAME],
        "kind": kind,
        "first": start.start_point.row + 1,
        "last": start.end_point.row + 1,
        **_used(node, grammar),
    }


def _class(node: Node, name: str, grammar: Grammar) -> Row:
    row = _row(node, name, "class", grammar)
    functions = [each.start_point.row + 1 for each in walk(node) if each.type in grammar.functions]
    return {**row, "head": max(row["first"], min(functions) - 1) if functions else row["last"]}


def _used(node: Node, grammar: Grammar) -> Row:
    calls: dict[str, None] = {}
    names: dict[str, None] = {}
    types: dict[str, None] = {}
    for each in walk(node):
        if each.type in grammar.calls:
            _name_into(
                calls, text_of(each.child_by_field_name(grammar.calls[each.type])), "name" in grammar.names
            )
        elif each.type == "object_creation_expression" and each.named_children:
            _name_into(calls, text_of(each.named_children[0]))
        elif each.type in grammar.types:
            _name_into(types, re.sub(r"^\W*(?:extends|implements)?\s+|\W+$", "", text_of(each)))
        elif each.type in grammar.names:
            _name_into(names, text_of(each))
    return {
        "calls": list(calls),
        "names": [name for name in names if name not in calls],
        "types": list(types),
    }


def _name_into(found: dict[str, None], name: str, method: bool = False) -> None:
    """A dotted name; of anything longer the last part."""
    if len(found) >= MAX_NAMES or not name:
        return
    if _DOTTED.fullmatch(name):
        found[re.sub(r"\?\.|::|->", ".", name)] = None
        if method and "." not in name:
            found[f".{name}"] = None
    elif parts := re.findall(r"[\w$]+", name[-80:]):
        found[f".{parts[-1]}"] = None


def _bound(path: str, root: Node) -> dict[str, str]:
    """What imports and requires of files of the repository bind."""
    bound: dict[str, str] = {}
    for node in root.named_children:
        text = text_of(node)
        source = re.search(r"(?:from|require\()\s*['\"](\.{1,2}/[^'\"]+)['\"]", text)
        if node.type not in ("import_statement", "lexical_declaration", "variable_declaration") or not source:
            continue
        module = ".".join(_joined(path, source[1]))
        left = re.split(r"\bfrom\b|=\s*require", text)[0]
        braces = re.search(r"\{([^}]*)\}", left)
        for item in braces[1].split(",") if braces else ():
            words = re.findall(r"[\w$]+", item)
            if words:
                bound[words[-1]] = f"{module}.{words[0]}"
        outside = re.sub(r"\{[^}]*\}", "", left)
        for word in re.findall(r"[\w$]+", outside)[1:]:
            star = "*" in outside or "require" in text
            bound[word] = module if star else f"{module}.{word}"
    return dict(list(bound.items())[:MAX_NAMES])


def _joined(path: str, relative: str) -> list[str]:
    parts = path.split("/")[:-1]
    for part in relative.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    stem = re.sub(r"\.[mc]?[jt]sx?$", "", parts[-1]) if parts else ""
    return [*parts[:-1], stem]


def main() -> int:
    """Read what is to be mapped and write the rows, within bounds of memory, time and output."""
    settings = json.load(sys.stdin)
    seconds = int(settings["seconds"]) + 2
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, MAX_OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    end = time.monotonic() + float(settings["seconds"])
    complete = True
    for file in settings["files"]:
        if time.monotonic() > end:
            complete = False
            break
        if row := mapped(file["path"], file["text"], end):
            print(json.dumps(row), flush=True)
    print(json.dumps({"event": "end", "complete": complete}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
