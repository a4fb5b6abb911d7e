"""Which interpreter a base image brings."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from sandboxes import bases
from sandboxes.bases import PythonMissing, choose_python, choose_release
from sandboxes.interface import ImageError


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("", "3.11"),
        (">=3.9", "3.11"),
        (">=3.11.4", "3.11"),
        (">=3.12", "3.13"),
        ("<3.11", "3.9"),
        ("==3.9.*", "3.9"),
        (">=3.9,!=3.11.*", "3.13"),
        ("~=3.13.0", "3.13"),
        (">=3.14", None),
        ("==3.10.*", None),
    ],
)
def test_the_first_version_offered_that_is_wanted(wanted: str, chosen: str | None) -> None:
    assert choose_python(SpecifierSet(wanted), ("3.11", "3.13", "3.9")) == chosen


def test_another_release_of_the_family_brings_another_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "host_release", lambda: "bookworm")
    assert choose_release(SpecifierSet("")) == "bookworm"
    assert choose_release(SpecifierSet(">=3.12")) == "trixie"
    assert choose_release(SpecifierSet("<3.10")) == "bullseye"
    with pytest.raises(
        PythonMissing, match=r"requires Python >=3.99, and .* only 3\.9, 3\.11, 3\.13: name an image"
    ):
        choose_release(SpecifierSet(">=3.99"))
    monkeypatch.setattr(bases, "host_release", lambda: "")
    with pytest.raises(ImageError, match="no Debian or Ubuntu release"):
        choose_release(SpecifierSet(""))
