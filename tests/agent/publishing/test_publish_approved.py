"""`agent publish` of a run whose patch people approved the publishing of."""

from __future__ import annotations

import os
from pathlib import Path

from approval_parts import Waits
from publish_servers import TOKEN, Hosted, Seen, api_server
from publish_world import Ran, one_line, publish, run_git

from policies.autonomy import Confirmation


def test_an_approval_is_a_persons_word_and_counts_once(tmp_path: Path) -> None:
    waits = Waits.begun(tmp_path, Confirmation.FREE, apply=False, branch="")
    bare, hosted = tmp_path / "bare.git", Hosted()
    run_git(tmp_path, "clone", "-q", "--bare", str(waits.folder), str(bare))
    variables = {
        "AGENT_PUBLISH_TOKEN": TOKEN, "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
        "AGENT_ALLOWED_SIGNERS": str(waits.signers),
    }  # fmt: skip
    (tmp_path / "home").mkdir()
    with api_server(hosted, Seen()) as api:
        places = ("--repository", "o/r", "--api", api, "--remote", f"file://{bare}", "--into", "main")

        def published() -> Ran:
            return publish(tmp_path / "home", str(waits.trace), *places, **variables)

        one_line(published(), 11, "asks a person", "agent approvals request --for publish")
        assert waits.run("request", waits.trace, "--for", "publish").exit_code == 0
        one_line(published(), 11, "0 of 1 people have approved it")
        assert not hosted.pulls
        assert waits.approve(waits.bob).exit_code == 0
        done = published()
        assert done.returncode == 0, done.stderr
        assert [each["number"] for each in hosted.pulls] == [1]
        [branch] = [
            each for each in run_git(bare, "branch", "--format=%(refname:short)").split() if "fix" in each
        ]
        assert run_git(bare, "show", f"{branch}:a.py") == "def f():\n    return 1"
        one_line(published(), 2, "delivered by it already")
    assert len(hosted.pulls) == 1
