"""Finds suspicious constructs in a module: (rule, what, line) for each, `what` being normalised source."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.inside import forgery_rules as rules
    from tools.inside.forgery_dunders import forges, is_text, without_docstring
else:
    import forgery_rules as rules
    from forgery_dunders import forges, is_text, without_docstring

Suspect = tuple[str, str, int]


def suspects(tree: ast.Module) -> list[Suspect]:
    """Every suspicious construct of the module, in source order."""
    visitor = _Visitor()
    visitor.visit(tree)
    return visitor.found


def known_before(old: ast.Module, new: ast.Module) -> list[Suspect]:
    """What is suspicious in the old module, read with the imports the new one adds for names it already used.

    So a repair that only adds a missing import does not make old code, or that import, look new.
    """
    used = {node.id for node in ast.walk(old) if isinstance(node, ast.Name)}
    missing = [
        node
        for node in new.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and all((alias.asname or alias.name.split(".")[0]) in used for alias in node.names)
    ]
    present = {ast.dump(node) for node in old.body if isinstance(node, (ast.Import, ast.ImportFrom))}
    added = [node for node in missing if ast.dump(node) not in present]
    return suspects(ast.Module(body=[*added, *without_docstring(old.body)], type_ignores=[]))


class _Visitor(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[Suspect] = []
        self._modules: dict[str, str] = {}  # local name -> dotted name, from `import`
        self._names: dict[str, str] = {}  # local name -> dotted name, from `from ... import`
        self._depth = 0  # functions around the current node
        self._guarded = False  # under `if __name__ == "__main__"`
        self._classes: list[str] = []

    def _add(self, rule: str, node: ast.AST) -> None:
        scope = ".".join(self._classes) if rule == "dunder" else ""
        what = f"{scope}.{ast.unparse(node)}" if scope else ast.unparse(node)
        self.found.append((rule, what, getattr(node, "lineno", 1)))

    # Imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.split(".")[0]
            self._modules[alias.asname or top] = alias.name if alias.asname else top
            self._judge_name(alias.name, node, imported=True)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        for alias in node.names:
            dotted = (
                f"{module}.{alias.name}" if not node.level else f"{'.' * node.level}{module}.{alias.name}"
            )
            self._names[alias.asname or alias.name] = dotted
            if not node.level:
                self._judge_name(module if alias.name == "*" else dotted, node, imported=True)

    def _judge_name(self, dotted: str, node: ast.AST, imported: bool = False) -> None:
        if dotted.split(".")[0] in rules.MACHINERY:
            self._add("machinery", node)
            return
        if dotted in rules.ORDINARY:
            return
        for rule, names in rules.NAMES.items():
            if rule == "environment" and imported:
                continue
            if any(dotted == name or dotted.startswith(f"{name}.") for name in names):
                self._add(rule, node)
                return

    # Names and attributes

    def _dotted(self, node: ast.AST) -> str | None:
        """The dotted name an expression refers to, imports resolved; None when it starts with a local."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id) or self._names.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._dotted(node.value)
            return None if base is None else f"{base}.{node.attr}"
        return None

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in rules.BUILTINS and isinstance(node.ctx, ast.Load):
            self._add(rules.BUILTINS[node.id], node)
        elif node.id in ("__builtins__", "__loader__", "__spec__"):
            self._add("patching", node)
        elif node.id in self._names and not self._names[node.id].startswith("os."):
            pass  # judged where it was imported
        elif node.id in self._names:
            self._judge_name(self._names[node.id], node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = self._dotted(node)
        before = len(self.found)
        if dotted is not None:
            self._judge_name(dotted, node)
        if node.attr in rules.DOORS or (node.attr == "__dict__" and self._is_module(node.value)):
            self._add("patching", node)
        if len(self.found) == before:
            self.visit(node.value)

    def _is_module(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._modules

    # The environment: a read of one named variable is ordinary, anything else is not.

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if (
            self._dotted(node.value) == "sys.argv"
            and isinstance(node.slice, ast.Constant)
            and node.slice.value == 0
        ):
            self._add("environment", node)  # the name of the program that runs, pytest's in a test
        if (
            self._dotted(node.value) == "os.environ"
            and isinstance(node.ctx, ast.Load)
            and is_text(node.slice)
        ):
            self.visit(node.slice)
        else:
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        known = len(sides) == 2 and self._dotted(sides[1]) == "os.environ" and is_text(sides[0])
        for side in sides[:1] if known else sides:
            self.visit(side)

    # Calls

    def visit_Call(self, node: ast.Call) -> None:
        dotted = self._dotted(node.func) or (node.func.id if isinstance(node.func, ast.Name) else "")
        if dotted in ("os.getenv", "os.environ.get") and node.args and is_text(node.args[0]):
            for argument in node.args:
                self.visit(argument)
            return
        if dotted in rules.EXITS and self._depth == 0 and not self._guarded:
            self._add("process", node)
        if dotted in ("setattr", "delattr", "getattr", "vars") and node.args:
            self._judge_reflection(dotted, node)
        if (
            dotted == "open"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, int)
        ):
            self._add("report", node)
        if dotted == "importlib.import_module" and not (node.args and is_text(node.args[0])):
            self._add("patching", node)
        self.generic_visit(node)

    def _judge_reflection(self, function: str, node: ast.Call) -> None:
        subject = self._dotted(node.args[0])
        name = node.args[1] if len(node.args) > 1 else None
        text = name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None
        if function == "getattr" and text is not None:
            if subject is not None:
                self._judge_name(f"{subject}.{text}", node)
            if text in rules.DOORS:
                self._add("patching", node)
        elif subject is not None and (function != "vars" or self._is_module(node.args[0])):
            self._add("patching", node)
        elif function == "setattr" and text in rules.COMPARISONS | rules.CONSTANT | {"__class__"}:
            self._add("dunder", node)

    def visit_Raise(self, node: ast.Raise) -> None:
        raised = node.exc
        if (
            isinstance(raised, ast.Name)
            and raised.id == "SystemExit"
            and self._depth == 0
            and not self._guarded
        ):
            self._add("process", node)
        self.generic_visit(node)

    # Assignments to attributes of what was imported, and to comparison methods

    def visit_Assign(self, node: ast.Assign) -> None:
        self._judge_targets(node.targets, node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._judge_targets([node.target], node)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._judge_targets([node.target], node)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._judge_targets(node.targets, node)
        self.generic_visit(node)

    def _judge_targets(self, targets: list[ast.expr], node: ast.AST) -> None:
        for target in (leaf for outer in targets for leaf in ast.walk(outer)):
            if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                self._judge_assigned_name(target, node)
            if not isinstance(target, ast.Attribute) or isinstance(target.ctx, ast.Load):
                continue
            base = target.value
            root = base
            while isinstance(root, ast.Attribute):
                root = root.value
            imported = isinstance(root, ast.Name) and (
                root.id in self._modules or (root.id in self._names and self._depth == 0)
            )
            if imported or target.attr == "__class__":
                self._add("patching", node)
            elif target.attr in rules.COMPARISONS | rules.CONSTANT:
                self._add("dunder", node)

    def _judge_assigned_name(self, target: ast.Name, node: ast.AST) -> None:
        """`__eq__ = lambda self, other: True` in a class body (`__hash__ = None` is ordinary)."""
        value = getattr(node, "value", None)
        if target.id not in rules.COMPARISONS | rules.CONSTANT or not self._classes:
            return
        if isinstance(value, ast.Lambda):
            suspicious = forges(target.id, value)
        else:
            inherited = getattr(value, "attr", None) == target.id  # __hash__ = Base.__hash__
            none = isinstance(value, ast.Constant) and value.value is None
            suspicious = not (inherited or none or isinstance(value, ast.Name))
        if suspicious:
            self._add("dunder", node)

    # Scopes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name in rules.COMPARISONS | rules.CONSTANT and forges(node.name, node):
            self._add("dunder", node)
        if node.name in rules.DOORS or (node.name in ("__getattr__", "__dir__") and not self._classes):
            self._add("patching", node)
        for outside in (*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)):
            self.visit(outside)
        self._depth += 1
        for statement in without_docstring(node.body):
            self.visit(statement)
        self._depth -= 1

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._classes.append(node.name)
        for outside in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outside)
        for statement in without_docstring(node.body):
            self.visit(statement)
        self._classes.pop()

    def visit_Module(self, node: ast.Module) -> None:
        for statement in without_docstring(node.body):
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        is_main = ast.unparse(node.test) in ("__name__ == '__main__'", "'__main__' == __name__")
        if not is_main:
            self.generic_visit(node)
            return
        self._guarded = True
        for statement in node.body:
            self.visit(statement)
        self._guarded = False
        for statement in node.orelse:
            self.visit(statement)

    # Strings

    def visit_Constant(self, node: ast.Constant) -> None:
        value: Any = node.value
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if not isinstance(text, str):
            return
        lowered = text.lower()
        if any(marker in lowered for marker in rules.MARKERS) or text.split(".")[0] in rules.MACHINERY:
            self._add("machinery", node)
        elif text in rules.DOORS or text in rules.COMPARISONS:
            self._add("patching", node)
