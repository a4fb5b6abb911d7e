"""Files of commands are whole or not there, and what was there before stays until then."""

from __future__ import annotations

import json
import os
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import AgentError, UsageError
from agent.outputs import check_output, harmless_json, write_json, write_output
from agent.task import Record


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("before")

    def parts() -> Iterator[str]:
        yield "after"
        assert path.read_text() == "before"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_output(path, parts())
    assert path.read_text() == "before"
    write_output(path, ["aft", "er"])
    assert path.read_text() == "after"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_a_link_is_written_through_and_a_pipe_into(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_output(tmp_path / "link", ["after"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "after"
    pipe, came = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: came.append(pipe.read_text()))
    reader.start()
    write_output(pipe, ["through"])
    reader.join(10)
    assert came == ["through"]


def test_what_cannot_be_written_is_said_before(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder; make it first"):
        check_output(tmp_path / "no" / "out")
    with pytest.raises(UsageError, match="cannot be written; name another file"):
        check_output(tmp_path)
    check_output(tmp_path / "out")
    check_output(None)
    with pytest.raises(AgentError, match=r"cannot write .*: No space left on device") as full:
        write_output(Path("/dev/full"), ["x" * 100_000])
    assert full.value.exit_code == 20
    with pytest.raises(UsageError, match=r"cannot write .*: File name too long"):
        write_output(tmp_path / ("x" * 300), ["x"])


def test_json_on_a_terminal_is_harmless_and_the_same_to_a_program(tmp_path: Path) -> None:
    class Words(Record):
        text: str

    text = "Größe 日本 \x1b[31m \x7f \x9b2J \u202eabc \u200f \ufeff \U000e0041 \u2028\n"
    write_json(tmp_path / "out", Words(text=text))
    written = (tmp_path / "out").read_text()
    assert "Größe 日本" in written and "\\u202eabc" in written
    assert json.loads(written) == {"text": text}
    assert not any(unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") for each in written if each != "\n")
    assert harmless_json("\U000e0041") == "\\udb40\\udc41"
