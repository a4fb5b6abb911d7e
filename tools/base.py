"""The base: the repository as the user sees it, read without letting it act on the host.

HEAD plus tracked changes plus untracked files that git does not ignore. Files are read as bytes: no
filter, attribute or hook applies. Symlinks that stay inside the tree are kept, others are left out.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from git import Repo
from git.exc import InvalidGitRepositoryError, NoSuchPathError

from tools.host_git import GitError, empty_git_dir, git

MAX_FILE_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 512 * 2**20
MAX_FILES = 100_000


class BaseError(ValueError):
    """The folder cannot be taken as a base; the message is one clear line."""


@dataclass(frozen=True)
class BaseFile:
    """One file: its bytes (or a symlink's target as bytes) and its git mode (100644, 100755, 120000)."""

    mode: str
    data: bytes


@dataclass(frozen=True)
class Base:
    """A snapshot of the repository. `root` is the folder it was taken from; `git_dir` is None outside git.

    `head` is the commit id or "" (no commit yet); `notes` say in words what was left out.
    """

    root: Path
    files: Mapping[str, BaseFile]
    git_dir: Path | None
    head: str
    dirty: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def tree_hash(self) -> str:
        """SHA-256 over mode, path and content of every file in path order."""
        return tree_hash(self.files)

    def read(self, path: str) -> bytes | None:
        """Bytes of a regular file of the base, or None."""
        found = self.files.get(path)
        return found.data if found is not None and found.mode != "120000" else None

    def tar(self) -> bytes:
        """The base as an uncompressed tar with fixed times, ready for `Runtime.put_tar`."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path, file in sorted(self.files.items()):
                member = tarfile.TarInfo(path)
                member.mtime = 1_700_000_000
                if file.mode == "120000":
                    member.type, member.linkname = tarfile.SYMTYPE, os.fsdecode(file.data)
                    archive.addfile(member)
                else:
                    member.size = len(file.data)
                    member.mode = 0o755 if file.mode == "100755" else 0o644
                    archive.addfile(member, io.BytesIO(file.data))
        return buffer.getvalue()


def tree_hash(files: Mapping[str, BaseFile]) -> str:
    """SHA-256 over mode, path and content of every file in path order."""
    digest = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256(files[path].data).hexdigest()
        digest.update(f"{files[path].mode} {content} ".encode() + os.fsencode(path) + b"\0")
    return digest.hexdigest()


def take_base(folder: Path, leave_out: Sequence[Path] = ()) -> Base:
    """Snapshot the repository that holds `folder` (or the folder itself outside git), without the folders
    of `leave_out` (our own trace, where a person keeps it in the repository).

    Raises BaseError when the folder does not exist, is empty, or is larger than the bounds above.
    """
    if not folder.is_dir():
        raise BaseError(f"{folder} is not a folder")
    root, git_dir = _find_repository(folder)
    with tempfile.TemporaryDirectory(prefix="marginal-agent-") as scratch:
        try:
            listed = _list_files(root, git_dir, empty_git_dir(Path(scratch)))
        except GitError as error:
            raise BaseError(f"git cannot list the files of {root}: {error}") from error
    ours = [path.resolve().relative_to(root) for path in leave_out if path.resolve().is_relative_to(root)]
    listed = [name for name in listed if not any(Path(name).is_relative_to(path) for path in ours)]
    files, left_out = _read_files(root, listed)
    if not files:
        raise BaseError(f"{root} has no files to work on")
    head = _head(git_dir) if git_dir else ""
    dirty = _dirty(git_dir, head, files) if git_dir else ()
    unread = {path for paths in left_out.values() for path in paths}
    notes = tuple(
        f"left out ({why}): {', '.join(map(_shown, paths[:3]))}{' …' if len(paths) > 3 else ''}"
        for why, paths in left_out.items()
    )
    return Base(root, files, git_dir, head, tuple(path for path in dirty if path not in unread), notes)


def _find_repository(folder: Path) -> tuple[Path, Path | None]:
    try:
        repository = Repo(folder, search_parent_directories=True)
    except (InvalidGitRepositoryError, NoSuchPathError):
        return folder.resolve(), None
    except (OSError, ValueError) as error:
        raise BaseError(f"the git folder of {folder} cannot be read: {error}") from error
    with repository:
        if repository.working_tree_dir is None:
            raise BaseError(f"{folder} is a bare repository; check it out first")
        return Path(repository.working_tree_dir).resolve(), Path(repository.git_dir).resolve()


def _list_files(root: Path, git_dir: Path | None, trusted: Path) -> list[str]:
    arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    environment = {}
    excludes = _user_excludes()
    if git_dir is not None:
        environment["GIT_INDEX_FILE"] = str(git_dir / "index")
        if (git_dir / "info" / "exclude").is_file():
            arguments.append(f"--exclude-from={git_dir / 'info' / 'exclude'}")
    else:
        arguments += ["--exclude=__pycache__/", "--exclude=.venv/", "--exclude=node_modules/"]
    if excludes is not None:
        arguments.append(f"--exclude-from={excludes}")
    output = git(f"--work-tree={root}", "-C", str(root), *arguments, git_dir=trusted, env=environment)
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _user_excludes() -> Path | None:
    """The user's own global ignore file, which our closed git would not see."""
    asked = subprocess.run(
        ["git", "config", "--global", "--type=path", "core.excludesFile"],
        capture_output=True,
        check=False,
        cwd="/",
    )
    configured = asked.stdout.decode("utf-8", "replace").strip()
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    path = Path(configured) if configured else Path(home) / "git" / "ignore"
    return path if path.is_file() else None


def _read_files(root: Path, listed: list[str]) -> tuple[dict[str, BaseFile], dict[str, list[str]]]:
    if len(listed) > MAX_FILES:
        raise BaseError(f"{root} has {len(listed)} files, more than {MAX_FILES}; name a smaller repository")
    files: dict[str, BaseFile] = {}
    left_out: dict[str, list[str]] = {}
    total = 0
    for path in listed:
        file, why = _read_file(root, path)
        if file is None:
            if why:
                left_out.setdefault(why, []).append(path)
            continue
        total += len(file.data)
        if total > MAX_TOTAL_BYTES:
            raise BaseError(
                f"{root} holds more than {MAX_TOTAL_BYTES // 2**20} MB; let git ignore large files"
            )
        files[path] = file
    return files, left_out


def _shown(path: str) -> str:
    """A path as text; bytes that are not UTF-8 are shown escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _read_file(root: Path, path: str) -> tuple[BaseFile | None, str]:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or any(part.lower() == ".git" for part in pure.parts):
        return None, "unsafe path"
    full = root / path
    try:
        status = full.lstat()
        # A symlinked folder on the way would lead out of what git lists.
        if full.parent.resolve() != root / pure.parent:
            return None, "behind a symlinked folder"
        if stat.S_ISLNK(status.st_mode):
            target = str(full.readlink())
            inside = _stays_inside(pure, target)
            return (
                (BaseFile("120000", os.fsencode(target)), "") if inside else (None, "symlink out of the tree")
            )
        if stat.S_ISDIR(status.st_mode):
            return None, "submodule or embedded repository"
        if not stat.S_ISREG(status.st_mode):
            return None, "not a regular file"
        if status.st_size > MAX_FILE_BYTES:
            return None, f"larger than {MAX_FILE_BYTES // 2**20} MB"
        mode = "100755" if status.st_mode & 0o100 else "100644"
        return BaseFile(mode, full.read_bytes()), ""
    except FileNotFoundError:
        return None, ""  # tracked and deleted: the user's tree does not have it
    except OSError as error:
        raise BaseError(f"cannot read {full}: {error.strerror or error}") from error


def _stays_inside(path: PurePosixPath, target: str) -> bool:
    if PurePosixPath(target).is_absolute():
        return False
    resolved = os.path.normpath(str(path.parent / target))
    return not resolved.startswith("..") and ".git" not in PurePosixPath(resolved).parts


def _head(git_dir: Path) -> str:
    try:
        return git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", git_dir=git_dir).decode().strip()
    except GitError:
        return ""


def _dirty(git_dir: Path, head: str, files: Mapping[str, BaseFile]) -> tuple[str, ...]:
    """Paths whose content differs from HEAD, by blob id; no filter is applied on either side."""
    if not head:
        return tuple(sorted(files))
    committed: dict[str, str] = {}
    for record in git("ls-tree", "-r", "-z", "--full-tree", head, git_dir=git_dir).split(b"\0"):
        if record:
            description, _, name = record.partition(b"\t")
            committed[os.fsdecode(name)] = description.split(b" ")[2].decode()
    algorithm = "sha256" if committed and len(next(iter(committed.values()))) == 64 else "sha1"
    changed = {
        path
        for path, file in files.items()
        if committed.get(path)
        != hashlib.new(algorithm, b"blob %d\0" % len(file.data) + file.data).hexdigest()
    }
    return tuple(sorted(changed | (committed.keys() - files.keys())))
