"""Bubblewrap as a backend: sandboxes without a daemon, for machines where no engine runs."""

from __future__ import annotations

import logging
import os
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from packaging.specifiers import SpecifierSet

from sandboxes import cgroups, seccomp
from sandboxes.backend import BaseImage, Facts, ImageBuild, KeptImage, Machine
from sandboxes.bases import ENV, WHEELS, bootstrap, choose_release, packages_tag
from sandboxes.bubblewrap import BubblewrapSandbox, Site
from sandboxes.bubblewrap_host import find_host
from sandboxes.bubblewrap_store import Record, Scratch, Store, store_errors
from sandboxes.host import ProgramFailed, Progress
from sandboxes.interface import ImageError, SandboxError, SandboxLimits

BASE = "marginal-agent/base"
_log = logging.getLogger(__name__)


class BubblewrapBuilder(BubblewrapSandbox):
    """`sandboxes.backend.Builder`: a sandbox whose ENV and WHEELS are folders of the store."""

    _scratch: Scratch | None = None
    _base = ""

    def start(self) -> None:
        """Copy the image's environment, then start. Raises ImageError or SandboxError."""
        if self._scratch is not None:
            raise SandboxError("this builder has been started before")
        store = self._site.store
        try:
            with store_errors("copying the environment"):
                opened = store.open(self._image)
                self._base = opened.base
                try:
                    self._scratch = store.scratch()
                    store.furnish(self._scratch, opened)
                finally:
                    opened.close()
            super().start()
        except BaseException:
            self.stop()
            raise

    def keep(self, name: str, facts: Facts) -> None:
        """Stop, and make the ENV folder the image `name`. The builder is of no further use."""
        if self._scratch is None:
            raise SandboxError("this builder has not been started")
        super().stop()
        with store_errors(f"keeping {name}"):
            self._site.store.keep(self._scratch, name, self._base, facts)

    def stop(self) -> None:
        """Stop, and remove what was not kept."""
        super().stop()
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            try:
                self._site.store.discard(scratch)
            except (OSError, SandboxError) as error:
                _log.warning("folders of a builder could not be removed: %s", error)

    def _writable(self) -> Mapping[str, Path]:
        assert self._scratch is not None
        return {ENV: self._scratch.folder / "env", WHEELS: self._scratch.folder / "wheels"}


class BubblewrapBackend:
    """`sandboxes.backend.Backend` with bubblewrap; images are kept in `folder`, or else the user's cache.

    Raises EngineMissing with one line that says how to mend it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        seccomp.filters(platform.machine())
        host = find_host()
        try:
            store = Store(host, folder)
        except OSError as error:
            raise SandboxError(
                f"images cannot be kept in {error.filename} ({error.strerror}): mend that, or have "
                "XDG_CACHE_HOME name another folder"
            ) from error
        with store_errors("looking for control groups"):
            self.site = Site(host, store, cgroups.find_means(Path("/proc/mounts").read_text()))

    @property
    def name(self) -> Literal["bubblewrap"]:
        return "bubblewrap"

    @property
    def description(self) -> str:
        """The program's version, and what is bounded less than with an engine."""
        return self.site.host.version + (f", {self.unbounded}" if self.unbounded else "")

    @property
    def unbounded(self) -> str:
        return self.site.means.unbounded

    def machine(self) -> Machine:
        """This one."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Machine(memory_bytes=memory, cpus=os.sysconf("SC_NPROCESSORS_ONLN"))

    def base(self, python: SpecifierSet, progress: Progress) -> str:
        """See `Backend.base`: made of the packages of this host's distribution."""
        release = choose_release(python)
        name = f"{BASE}:{packages_tag(release)}"
        store = self.site.store
        with store_errors("making the base image"), store.making(name):
            if store.find(name) is None:
                try:
                    with tempfile.TemporaryDirectory() as folder:
                        archive = Path(folder, "base.tar")
                        bootstrap(release, archive, progress)
                        store.add_base(name, archive)
                except ProgramFailed as error:
                    raise ImageError(f"the base image could not be made: {error}", error.tail) from error
        return name

    def base_at_hand(self, python: SpecifierSet) -> str:
        """See `Backend.base_at_hand`."""
        name = f"{BASE}:{packages_tag(choose_release(python))}"
        return name if self.site.store.find(name) else ""

    def storage(self) -> tuple[Path, ...]:
        """The folder of the user's cache."""
        return (self.site.store.folder,)

    def take(self, image: str, progress: Progress) -> None:
        """See that `image` is a folder with a root file system, or one of ours. Raises ImageError."""
        del progress
        self.digest(image)

    def build(self, image: ImageBuild, progress: Progress) -> None:
        """Only an engine can. Raises ImageError."""
        del image, progress
        raise ImageError(
            "a Dockerfile needs a container engine: use --sandbox docker, or name a root file system's "
            "folder with --image"
        )

    def digest(self, image: str) -> str:
        """The image's id. Raises ImageError when there is none."""
        with store_errors("looking for an image"):
            opened = self.site.store.open(image)
            opened.close()
        return opened.digest

    def sandbox(
        self, image: str, limits: SandboxLimits | None = None, *, python: str = "python3"
    ) -> BubblewrapSandbox:
        """A closed sandbox, not started yet."""
        return BubblewrapSandbox(image, limits, site=self.site, python=python)

    def builder(
        self, image: str, limits: SandboxLimits, *, environment: Mapping[str, str]
    ) -> BubblewrapBuilder:
        """A builder, not started yet."""
        python = f"{ENV}/bin/python"
        return BubblewrapBuilder(image, limits, site=self.site, python=python, environment=environment)

    def find(self, name: str) -> KeptImage | None:
        """The image kept under `name`."""
        record = self.site.store.find(name)
        return None if record is None else _kept(record)

    def kept(self) -> tuple[KeptImage, ...]:
        """Every image we keep, newest first."""
        with store_errors("listing images"):
            records = self.site.store.records()
        return tuple(kept for record in records if (kept := _kept(record)) is not None)

    def bases(self) -> tuple[BaseImage, ...]:
        """Every base image of the store."""
        with store_errors("listing images"):
            records = self.site.store.records()
        return tuple(BaseImage(record.name, record.size) for record in records if record.facts is None)

    def forget(self, name: str) -> None:
        """See `Backend.forget`."""
        with store_errors(f"removing {name}"):
            self.site.store.forget(name)

    def reap(self) -> tuple[str, ...]:
        """Remove control groups and folders whose process is dead; returns their names."""
        with store_errors("removing what dead runs have left"):
            return (*cgroups.reap_groups(self.site.means.hierarchies), *self.site.store.reap())

    def close(self) -> None:
        """Nothing to let go of."""


def _kept(record: Record) -> KeptImage | None:
    """None for a base, which is nobody's environment."""
    if record.facts is None:
        return None
    return KeptImage(record.name, record.digest, record.facts, record.size, record.created)
