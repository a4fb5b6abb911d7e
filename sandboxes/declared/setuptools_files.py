"""setup.cfg, and of setup.py the literal lists: it is never run."""

from __future__ import annotations

from collections.abc import Sequence

from sandboxes.declared.formats import text_lines
from sandboxes.declared.lines import RequirementsFile, lines
from sandboxes.declared.literals import keyword_list, keyword_string, keyword_table
from sandboxes.declared.project import Project
from sandboxes.declared.reader import Reader

_CFG, _PY = "setup.cfg", "setup.py"


def read_setup_cfg(reader: Reader, project: Project) -> None:
    """[metadata], [options] and [options.extras_require]."""
    sections = reader.ini(_CFG)
    options = sections.get("options", {})
    name = sections.get("metadata", {}).get("name", "")
    project.installable |= bool(name) or "options" in sections
    project.say_name(name)
    project.say_python("setup.cfg python_requires", options.get("python_requires"))
    project.setup_requires += lines(_CFG, text_lines(options.get("setup_requires", "")))
    if "install_requires" in options:
        project.say_needs(_CFG, _texts(options["install_requires"]))
    for extra, text in sections.get("options.extras_require", {}).items():
        project.say_extra(_CFG, extra, _texts(text))
    if "tests_require" in options:
        project.say_group(_CFG, "tests", _texts(options["tests_require"]))


def read_setup_py(reader: Reader, project: Project) -> None:
    """The literal lists that setup.py gives to setup(); computed ones are a note."""
    if _PY not in reader:
        return
    project.installable = True
    source = reader.text(_PY)
    needed, plain = keyword_list(source, "install_requires")
    if project.needs is None and (needed or not plain):
        project.say_needs(_PY, needed)
        if not plain:
            reader.note(
                "setup.py is not run: install_requires is no plain list, and is read only as far as it is"
            )
    project.setup_requires += lines(_PY, keyword_list(source, "setup_requires")[0])
    for extra, texts in keyword_table(source, "extras_require").items():
        project.say_extra(_PY, extra, texts)
    if tests := keyword_list(source, "tests_require")[0]:
        project.say_group(_PY, "tests", tests)
    project.say_python("setup.py python_requires", keyword_string(source, "python_requires"))


def _texts(text: str) -> Sequence[object]:
    """Requirements of a setting, or the files it says hold them."""
    if text.strip().startswith("file:"):
        return [RequirementsFile(path.strip()) for path in text.strip()[5:].replace("\n", ",").split(",")]
    return text_lines(text)
