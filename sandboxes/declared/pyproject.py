"""pyproject.toml by its standards (PEP 518, 621, 735), and what setuptools, uv and PDM add to them."""

from __future__ import annotations

from sandboxes.declared.formats import listing, strings, table
from sandboxes.declared.lines import RequirementsFile, lines
from sandboxes.declared.named import beside_tests, from_another_index, normal
from sandboxes.declared.project import Project
from sandboxes.declared.reader import Reader

PYPROJECT = "pyproject.toml"
_SOURCES_ELSEWHERE = ("git", "url", "path", "workspace")


def read_standard(reader: Reader, project: Project) -> None:
    """[build-system], [project] and [dependency-groups]."""
    data = reader.toml(PYPROJECT)
    system, declared = table(data, "build-system"), table(data, "project")
    project.installable = bool(system or declared)
    if "requires" in system:
        project.build = lines("[build-system]", listing(system["requires"]))
    project.say_name(declared.get("name"))
    project.say_python("[project] requires-python", declared.get("requires-python"))
    if "dependencies" in declared:
        project.say_needs(PYPROJECT, listing(declared["dependencies"]))
    for extra, texts in table(declared, "optional-dependencies").items():
        project.say_extra(PYPROJECT, extra, listing(texts))
    for group, texts in table(data, "dependency-groups").items():
        project.say_group("[dependency-groups]", group, listing(texts))


def read_setuptools_dynamic(reader: Reader, project: Project) -> None:
    """[tool.setuptools.dynamic]: dependencies and extras that lie in files."""
    dynamic = table(reader.toml(PYPROJECT), "tool", "setuptools", "dynamic")
    if files := _files(table(dynamic, "dependencies")):
        project.say_needs(PYPROJECT, files)
    extras = table(dynamic, "optional-dependencies")
    for extra in extras:
        if files := _files(table(extras, extra)):
            project.say_extra(PYPROJECT, extra, files)


def read_uv(reader: Reader, project: Project) -> None:
    """[tool.uv]: dev-dependencies, default groups, sources that are no index, constraints."""
    uv = table(reader.toml(PYPROJECT), "tool", "uv")
    if uv.get("package") is False:
        project.installable = False
    if "dev-dependencies" in uv:
        project.say_group("[tool.uv]", "dev", listing(uv["dev-dependencies"]))
    groups = project.groups if uv.get("default-groups") == "all" else strings(uv.get("default-groups"))
    project.default_groups += [group for group in groups if not beside_tests(group)]
    project.constraints += lines(
        "[tool.uv] constraint-dependencies", listing(uv.get("constraint-dependencies"))
    )
    for name, source in table(uv, "sources").items():
        # A list holds one source per platform.
        found = listing(source) or [source]
        if any(
            table(one).keys() & set(_SOURCES_ELSEWHERE) or from_another_index(table(one), "index")
            for one in found
        ):
            project.elsewhere.add(normal(name))


def read_pdm(reader: Reader, project: Project) -> None:
    """[tool.pdm.dev-dependencies]: groups."""
    pdm = table(reader.toml(PYPROJECT), "tool", "pdm")
    if pdm.get("distribution") is False:
        project.installable = False
    for group, texts in table(pdm, "dev-dependencies").items():
        project.say_group("[tool.pdm.dev-dependencies]", group, listing(texts))


def _files(dynamic: dict[str, object]) -> list[RequirementsFile]:
    return [RequirementsFile(path) for path in strings(dynamic.get("file"))]
