"""A server that speaks Chat Completions, for the tests that play whole runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers import ChatServer


@pytest.fixture(scope="module")
def started() -> Iterator[ChatServer]:
    with ChatServer() as server:
        assert isinstance(server, ChatServer)
        yield server


@pytest.fixture
def server(started: ChatServer) -> ChatServer:
    started.play()
    return started
