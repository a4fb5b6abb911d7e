"""What comes from the repository is shown as the text it is; what belongs to the host stays there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from driver import Ran, World, make_repository, run_git
from rich.markup import render

pytestmark = pytest.mark.docker

ESCAPES = "\x1b[31mred\x1b]8;;http://example.org\x07x\x1b]52;c;ZXZpbA==\x07\x9b5n\x00"
MARKUP = "[bold red]x[/] [link=http://example.org]y[/link]"
COMMANDS = "\n::error::boom\n  ::warning::z\n::set-output name=a::b\n##[command]rm\n##vso[task.x]y\n"
LONG = "x" * 95
"""Before a command, long enough that a line of the terminal ends there."""

SOURCE = f'''\
def mean(values):
    """{MARKUP} {ESCAPES.replace(chr(0), "")}
::error::in the source
##[command]in the source
    """
    # {LONG} ::error::after a line break {MARKUP}
    return sum(values) / (len(values) + 1)
'''
TEST = f'''\
import pytest

from calc import mean

TEXT = {ESCAPES + MARKUP + COMMANDS!a}
NAMES = [{MARKUP + " " + ESCAPES!a}, {LONG[:70] + " ::error::after a line break"!a}]


@pytest.mark.parametrize("value", [3, 5], ids=NAMES)
def test_mean(value):
    """{MARKUP}"""
    print(TEXT)
    print("::error::printed")
    assert mean([value]) == value, TEXT
'''
COLOURS = "tests/test_\x1b[31m [bold red]q[/] ::error::file.py"
HOSTILE = {
    "calc.py": SOURCE.encode(),
    "tests/test_calc.py": TEST.encode(),
    "::error::file ##[command] [bold red]q[/].txt": b"x\n",
}
SECRETS = {
    "ANTHROPIC_API_KEY": "sk-ant-a-recognisable-value-1",
    "OPENAI_API_KEY": "another-recognisable-value-2",
    "MY_TOKEN": "third-recognisable-value-3",
}
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9"}
"""No vendor is asked, whatever network there is."""

SPY = b"""\
import os
from pathlib import Path

from calc import double


def test_double():
    print(sorted(os.environ.items()))
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("environ", "cmdline"):
            try:
                print((process / name).read_bytes())
            except OSError as error:
                print(error)
    assert double(2) == 4, "\\n".join(f"{name}={value}" for name, value in os.environ.items())
"""


def assert_harmless(ran: Ran) -> None:
    """No control character but line feeds, and no line that a CI service would obey."""
    shown = ran.output + ran.errors
    assert not re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    obeyed = [
        line for line in shown.splitlines() if line.lstrip().startswith("::") or re.search(r"##\w*\[", line)
    ]
    assert obeyed == []
    assert "Traceback" not in shown


def test_hostile_names_and_messages_are_shown_as_text(world: World, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "r", HOSTILE)
    (repository / os.fsdecode(b"data-\xff\x1b[31m.bin")).write_bytes(b"\xff")
    ran = world.fix(repository, "--verbose")
    assert ran.code == 0, ran.output
    assert_harmless(ran)
    assert f"test_mean[{MARKUP}" in " ".join(ran.output.split())
    assert render(MARKUP).plain != MARKUP  # it would vanish if it were taken for markup
    assert len(ran.report["targets"]) == 2

    patch = (ran.trace / "fix.patch").read_bytes()
    assert ran.report["diff"].encode() == patch
    assert f"     # {LONG} ::error::after a line break {MARKUP}".encode() in patch
    subprocess.run(["git", "apply", str(ran.trace / "fix.patch")], cwd=repository, check=True)
    fixed = (repository / "calc.py").read_bytes()
    assert fixed.startswith(HOSTILE["calc.py"][: HOSTILE["calc.py"].index(b"    return")])
    assert fixed != HOSTILE["calc.py"]


def test_a_hostile_test_that_stays_broken_is_reported_as_text(world: World, tmp_path: Path) -> None:
    broken = TEST.replace("assert mean([value]) == value, TEXT", "raise RuntimeError(TEXT)")
    files = {**HOSTILE, "tests/test_calc.py": broken.encode(), COLOURS: TEST.encode()}
    repository = make_repository(tmp_path / "r", files)
    ran = world.fix(repository, "--verbose", "--test", "tests/test_calc.py")
    assert ran.code == 10, ran.output
    assert_harmless(ran)
    assert json.dumps(ran.report)
    unknown = world.fix(repository, "--test", f"tests/test_calc.py::test_meen {ESCAPES[:5]} {MARKUP}")
    assert unknown.code == 2
    assert_harmless(unknown)
    assert MARKUP in unknown.errors


def test_a_hostile_report_and_settings_are_quoted_as_text(world: World, tmp_path: Path) -> None:
    settings = f"[tool.agent]\nbudget = {json.dumps(ESCAPES[:9] + COMMANDS)}\n"
    repository = make_repository(tmp_path / "r", {**HOSTILE, "pyproject.toml": settings.encode()})
    ran = world.fix(repository)
    assert ran.code == 2
    assert_harmless(ran)
    (repository / "pyproject.toml").write_text('[tool.agent]\n"::error::x [bold red]" = 1\n')
    run_git(repository, "commit", "-qam", "other settings")  # the base's count as well as the tree's
    report = world.folder / "report.xml"
    name = "&#10;::error::boom&#10;##[command]x [bold red]x[/]"
    report.write_text(f"<testsuite><testcase classname='a' name='{name}'><failure/></testcase></testsuite>")
    ran = world.fix(repository, "--junit", str(report))
    assert ran.code == 2
    assert_harmless(ran)
    assert "[bold red]x[/]" in ran.errors


@pytest.mark.parametrize("tiers", [("--tier", "repair"), ()], ids=["no key is used", "keys bring models"])
def test_no_secret_of_the_host_reaches_the_sandbox_or_the_disk(
    world: World, tmp_path: Path, tiers: tuple[str, ...]
) -> None:
    files = {"calc.py": b"def double(x):\n    return x + 2 + 1\n", "test_calc.py": SPY}
    ran = world.fix(make_repository(tmp_path / "r", files), "--verbose", *tiers, env=SECRETS | NOWHERE)
    assert ran.code == 0, ran.output
    message = next(
        event["observation"]["messages"][0]
        for event in ran.events("result")
        if event["observation"]["type"] == "reproduction"
    )
    assert "HOME" in message  # the environment was printed
    written = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    everything = written + (ran.output + ran.errors).encode()
    assert [value for value in SECRETS.values() if value.encode() in everything] == []
    known = () if tiers else ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")  # a trace names its tiers' variables
    assert [name for name in SECRETS if name.encode() in everything and name not in known] == []


def test_a_secret_that_a_test_holds_is_redacted_where_it_is_shown(world: World, tmp_path: Path) -> None:
    secret = SECRETS["MY_TOKEN"]
    test = f"def test_double():\n    from calc import double\n    assert double(2) == 4, {secret!r}\n"
    files = {"calc.py": b"def double(x):\n    return str(x)\n", "test_calc.py": test.encode()}
    repository = make_repository(tmp_path / "r", files)
    ran = world.fix(repository, "--verbose", "--tier", "haiku", env=SECRETS | NOWHERE)
    assert ran.events("request-intent"), "the prompt is on disk, too"
    assert secret not in ran.output + ran.errors
    written = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    assert secret.encode() not in written
    assert b"[redacted]" in written
