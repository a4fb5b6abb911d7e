"""Plugins that pytest's settings cannot do without, where the repository names them nowhere else.

Options of other plugins in `addopts` are no reason to install these: the test runner lets them pass.
"""

from __future__ import annotations

from sandboxes.declared.formats import string, strings, table, text_lines
from sandboxes.declared.lines import Line
from sandboxes.declared.pyproject import PYPROJECT
from sandboxes.declared.reader import Reader

_PLUGINS = {"asyncio_mode": "pytest-asyncio", "django_settings_module": "pytest-django"}
"""Setting -> the plugin without which tests written for it fail."""

_SECTIONS = (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest"))


def needed_plugins(reader: Reader) -> list[Line]:
    """What the settings of pytest ask for, by `required_plugins` or by a setting that only a plugin has."""
    settings = table(reader.toml(PYPROJECT), "tool", "pytest", "ini_options")
    found = _plugins(PYPROJECT, {key.lower(): value for key, value in settings.items()})
    for path, section in _SECTIONS:
        found += _plugins(path, reader.ini(path).get(section, {}))
    return found


def _plugins(source: str, settings: dict[str, object] | dict[str, str]) -> list[Line]:
    required = settings.get("required_plugins", "")
    texts = [word for text in strings(required) for line in text_lines(text) for word in line.split()]
    texts += [plugin for setting, plugin in _PLUGINS.items() if string(settings.get(setting))]
    return [Line(f"{source}: settings of pytest", text) for text in texts]
