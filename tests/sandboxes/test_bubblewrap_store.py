"""The store of bubblewrap's images: all of it can be removed, and half a removal is noticed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sandboxes.backend import Facts
from sandboxes.bases import ENV
from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.bubblewrap_host import Order, run_mapped
from sandboxes.bubblewrap_store import Store
from sandboxes.interface import ImageError, SandboxError

BASE, KEPT = "marginal-agent/base:small", "marginal-agent/env:small"
FACTS = Facts("environment", "small", False, False, ())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A root file system that is not fit for much."""
    path = tmp_path / "base.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("./etc", "./usr", "./usr/bin", "./opt", f".{ENV}"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for name in ("./usr/bin/python3", f".{ENV}/file"):
            file = tarfile.TarInfo(name)
            file.size = 1
            tar.addfile(file, io.BytesIO(b"x"))
    return path


@pytest.fixture
def store(bubblewrap_backend: BubblewrapBackend, tmp_path: Path, archive: Path) -> Store:
    """A store with a base image and an environment on it."""
    made = Store(bubblewrap_backend.site.host, tmp_path / "cache")
    made.add_base(BASE, archive)
    keep(made, KEPT)
    return made


def keep(store: Store, name: str) -> None:
    """Keep an environment, as a builder does."""
    opened = store.open(BASE)
    scratch = store.scratch()
    try:
        store.furnish(scratch, opened)
        opened.close()
        store.keep(scratch, name, BASE, FACTS)
    finally:
        store.discard(scratch)


def again(store: Store) -> Store:
    """The store as another process finds it."""
    return Store(store.host, store.folder.parent)


def left(store: Store) -> list[str]:
    """All that the store's folder holds besides the locks of names, which stay."""
    return sorted(str(path.relative_to(store.folder)) for path in store.folder.rglob("*") if path.is_dir())


def place(store: Store, name: str) -> Path:
    return store.images / name.replace("/", "_").replace(":", "_")


def mapped(store: Store, folder: Path, *argv: str) -> None:
    """Do something to files that are not this user's, as root of the range."""
    run_mapped(store.host, Order(argv), folder)


def remove_record(store: Store, name: str) -> None:
    (place(store, name) / "image.json").unlink()


def cut_record(store: Store, name: str) -> None:
    record = place(store, name) / "image.json"
    record.write_bytes(record.read_bytes()[:20])


def remove_file(store: Store, name: str) -> None:
    mapped(store, place(store, name), "sh", "-c", "rm root/usr/bin/python3 || rm env/file")


def remove_files(store: Store, name: str) -> None:
    place(store, name).chmod(0o777)
    mapped(store, place(store, name), "rm", "-rf", "root", "env")


DAMAGES = [remove_record, cut_record, remove_file, remove_files]
Damage = Callable[[Store, str], None]


def test_everything_can_be_removed_base_images_last(store: Store) -> None:
    with pytest.raises(SandboxError, match=f"{BASE} is in use: {KEPT} is built on it"):
        store.forget(BASE)
    store.forget(KEPT)
    opened = store.open(BASE)
    with pytest.raises(SandboxError, match="in use"):
        store.forget(BASE)
    opened.close()
    store.forget(BASE)
    assert store.records() == () and left(store) == ["images", "scratch"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_base_is_as_good_as_none_and_made_again(
    store: Store, archive: Path, damage: Damage
) -> None:
    damage(store, BASE)
    later = again(store)
    assert later.find(BASE) is None and later.find(KEPT) is None, "an environment needs its base"
    for name in (BASE, KEPT):
        with pytest.raises(ImageError, match="is damaged: `agent env prune --bases`"):
            later.open(name)
    later.add_base(BASE, archive)
    assert later.find(BASE) and later.find(KEPT)
    later.reap()
    assert again(later).find(KEPT)
    for name in (KEPT, BASE):
        later.forget(name)
    assert left(later) == ["images", "scratch"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_environment_is_as_good_as_none_and_made_again(store: Store, damage: Damage) -> None:
    damage(store, KEPT)
    later = again(store)
    assert later.find(BASE) and later.find(KEPT) is None
    keep(later, KEPT)
    assert later.find(KEPT)


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_left_of_a_store_can_be_removed(store: Store, damage: Damage) -> None:
    damage(store, KEPT)
    damage(store, BASE)
    later = again(store)
    later.reap()
    for record in sorted(later.records(), key=lambda each: each.base == ""):
        later.forget(record.name)
    assert left(later) == ["images", "scratch"]


def test_a_removal_that_is_stopped_half_way_is_finished_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "reap", stopped)
    with pytest.raises(KeyboardInterrupt):
        store.forget(KEPT)
    monkeypatch.undo()
    assert store.find(KEPT) is None and len(list(store.scratches.glob("*/env"))) == 1
    for lock in store.scratches.glob("*.lock"):
        lock.unlink()  # as `rm -rf` does, which fails only then
    assert len(store.reap()) == 1
    assert list(store.scratches.iterdir()) == [] and store.find(BASE)


def stopped(_: Store) -> None:
    raise KeyboardInterrupt


def test_an_environment_is_not_kept_without_its_base(store: Store) -> None:
    store.forget(KEPT)
    opened = store.open(BASE)
    scratch = store.scratch()
    store.furnish(scratch, opened)
    opened.close()
    store.forget(BASE)
    with pytest.raises(SandboxError, match=f"{BASE} was removed meanwhile"):
        store.keep(scratch, KEPT, BASE, FACTS)
    store.discard(scratch)
    assert left(store) == ["images", "scratch"]


def test_a_folder_of_the_users_own_is_not_taken_for_an_image(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (".", ".."):
        with pytest.raises(ImageError, match="has no python3"):
            store.open(name)
