"""Fixtures of the end-to-end tests: a world, and the small `calc` project with one real defect."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker import DockerClient
from driver import World, make_repository
from forgeries import BASE


@pytest.fixture
def world(tmp_path: Path, docker_client: DockerClient) -> World:
    """A home folder of its own; needs the engine."""
    return World(tmp_path / "home")


@pytest.fixture
def calc(tmp_path: Path) -> Path:
    """The project of the forgery corpus, committed."""
    return make_repository(tmp_path / "calc", BASE)
