"""A place to publish at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from publish_servers import Hosted, Seen, api_server, git_server
from publish_world import (
    TEST,
    Place,
    let_publish,
    make_origin,
    write_job,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Place]:
    bare, commit, patch = make_origin(tmp_path)
    home = tmp_path / "home"
    let_publish(home)
    out = write_job(tmp_path / "out", commit, patch, (TEST,))
    pushes, calls, hosted = Seen(), Seen(), Hosted()
    with (
        git_server(tmp_path / "served", "x-access-token", pushes) as git,
        api_server(hosted, calls) as api,
    ):
        yield Place(tmp_path, bare, commit, patch, out, home, git, api, pushes, calls, hosted)
