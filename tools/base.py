"""The base: the repository as the user sees it, read without letting it act on the host.

HEAD plus tracked changes plus untracked files that git does not ignore. Files are read as bytes: no
filter, attribute or hook applies. Symlinks that stay inside the tree are kept, others are left out.
What a sandbox has no room for is refused before a byte is read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from tools.host_git import GitError, common_dir, empty_git_dir, find_repository, git, user_setting

MAX_FILE_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 400 * 2**20
"""The base lies in a sandbox's memory twice, as the work area and as its checkpoint; test processes may take
0.6 of the usual 2 GiB."""

MAX_FILES = 150_000
PAGE = 4096
"""Bytes the smallest file takes in memory."""


class BaseError(ValueError):
    """The folder cannot be taken as a base; the message is one clear line."""


@dataclass(frozen=True, slots=True)
class BaseFile:
    """One file: its bytes (or a symlink's target as bytes) and its git mode (100644, 100755, 120000)."""

    mode: str
    data: bytes


@dataclass(frozen=True)
class Base:
    """A snapshot of the repository. `root` is the folder it was taken from; `git_dir` is None outside git.

    `head` is the commit id or "" (no commit yet). `left_out` holds paths of the folder that are not in the
    base; `notes` say in words which and why.
    """

    root: Path
    files: Mapping[str, BaseFile]
    git_dir: Path | None
    head: str
    dirty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()

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
        parts = []
        for path, file in sorted(self.files.items()):
            member = tarfile.TarInfo(path)
            member.mtime = 1_700_000_000
            data = b""
            if file.mode == "120000":
                member.type, member.linkname = tarfile.SYMTYPE, os.fsdecode(file.data)
            else:
                data, member.size = file.data, len(file.data)
                member.mode = 0o755 if file.mode == "100755" else 0o644
            parts += [member.tobuf(tarfile.GNU_FORMAT), data, bytes(-len(data) % tarfile.BLOCKSIZE)]
        return b"".join([*parts, bytes(2 * tarfile.BLOCKSIZE)])


def tree_hash(files: Mapping[str, BaseFile]) -> str:
    """SHA-256 over mode, path and content of every file in path order."""
    digest = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256(files[path].data).hexdigest()
        digest.update(f"{files[path].mode} {content} ".encode() + os.fsencode(path) + b"\0")
    return digest.hexdigest()


def take_base(
    folder: Path,
    leave_out: Sequence[Path] = (),
    max_bytes: int = MAX_TOTAL_BYTES,
    max_files: int = MAX_FILES,
) -> Base:
    """Snapshot the repository that holds `folder` (or the folder itself outside git), without the folders
    of `leave_out` (our own trace, where a person keeps it in the repository).

    Raises BaseError when the folder does not exist, is empty, has more than `max_files` files, or takes more
    than `max_bytes` of a sandbox's memory.
    """
    if not folder.is_dir():
        raise BaseError(f"{folder} is not a folder")
    try:
        root, git_dir = find_repository(folder)
    except GitError as error:
        raise BaseError(str(error)) from None
    except OSError as error:
        raise BaseError(f"the git folder of {folder} cannot be read: {error}") from error
    try:
        with tempfile.TemporaryDirectory(prefix="marginal-agent-") as scratch:
            listed = _list_files(root, git_dir, empty_git_dir(Path(scratch)))
        ours = [path.resolve().relative_to(root) for path in leave_out if path.resolve().is_relative_to(root)]
        listed = [name for name in listed if not any(Path(name).is_relative_to(path) for path in ours)]
        found, left_out = _survey(root, listed)
        _refuse_too_large(root, found, max_bytes, max_files)
        files = {path: file for path in found if (file := _read_file(f"{root}/{path}")) is not None}
        head = _head(git_dir) if git_dir else ""
        dirty = _dirty(git_dir, head, files) if git_dir else ()
    except GitError as error:
        raise BaseError(f"git cannot read {root}: {error}") from error
    if not files:
        raise BaseError(f"{root} has no files to work on")
    unread = frozenset(path.rstrip("/") for paths in left_out.values() for path in paths)
    notes = tuple(
        f"left out ({why}): {', '.join(map(_shown, paths[:3]))}{' …' if len(paths) > 3 else ''}"
        for why, paths in left_out.items()
    )
    dirty = tuple(path for path in dirty if path not in unread)
    return Base(root, files, git_dir, head, dirty, notes, unread)


def _list_files(root: Path, git_dir: Path | None, trusted: Path) -> list[str]:
    arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    environment = {}
    excludes = _user_excludes()
    if git_dir is not None:
        environment["GIT_INDEX_FILE"] = str(git_dir / "index")
        exclude = common_dir(git_dir) / "info" / "exclude"
        if exclude.is_file():
            arguments.append(f"--exclude-from={exclude}")
    else:
        arguments += ["--exclude=__pycache__/", "--exclude=.venv/", "--exclude=node_modules/"]
    if excludes is not None:
        arguments.append(f"--exclude-from={excludes}")
    output = git(f"--work-tree={root}", "-C", str(root), *arguments, git_dir=trusted, env=environment)
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _user_excludes() -> Path | None:
    """The user's own global ignore file, which our closed git would not see."""
    configured = user_setting("core.excludesFile", "--type=path")
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    path = Path(configured) if configured else Path(home) / "git" / "ignore"
    return path if path.is_file() else None


def _survey(root: Path, listed: list[str]) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Sizes of the files to be read, and the names of those that are not, by reason."""
    sizes: dict[str, int] = {}
    left_out: dict[str, list[str]] = {}
    real: dict[str, bool] = {}
    for path in listed:
        folder = path.rpartition("/")[0]
        if folder not in real:
            # A symlinked folder on the way would lead out of what git lists.
            real[folder] = os.path.realpath(root / folder) == str(root / folder)
        try:
            status = os.lstat(f"{root}/{path}")  # a Path for each would take most of the time
            why = "behind a symlinked folder" if not real[folder] else _unfit(root, path, status)
        except (FileNotFoundError, NotADirectoryError):
            continue  # tracked and deleted: the user's tree does not have it
        except OSError as error:
            raise _unreadable(f"{root}/{path}", error) from error
        if why:
            left_out.setdefault(why, []).append(path)
        else:
            sizes[path] = status.st_size
    return sizes, left_out


def _unfit(root: Path, path: str, status: os.stat_result) -> str:
    """Why an entry cannot be part of a base, or ""."""
    if path.startswith("/") or any(part == ".." or part.lower() == ".git" for part in path.split("/")):
        return "unsafe path"
    if stat.S_ISLNK(status.st_mode):
        inside = _stays_inside(PurePosixPath(path), str((root / path).readlink()))
        return "" if inside else "symlink out of the tree"
    if stat.S_ISDIR(status.st_mode):
        return "submodule or embedded repository"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    return f"larger than {MAX_FILE_BYTES // 2**20} MB" if status.st_size > MAX_FILE_BYTES else ""


def _refuse_too_large(root: Path, sizes: Mapping[str, int], max_bytes: int, max_files: int) -> None:
    if len(sizes) > max_files:
        raise BaseError(
            f"{root} has {len(sizes)} files, more than {max_files}; let git ignore what its tests do not "
            "need, or name a smaller one"
        )
    total = sum(-(-size // PAGE) * PAGE for size in sizes.values())
    if total > max_bytes:
        largest = max(sizes, key=lambda path: sizes[path])
        raise BaseError(
            f"{root} takes {total // 2**20} MB in {len(sizes)} files, and a sandbox has room for "
            f"{max_bytes // 2**20} MB; let git ignore what its tests do not need "
            f"(the largest is {_shown(largest)}, {sizes[largest] / 2**20:.1f} MB), or name a smaller one"
        )


def _shown(path: str) -> str:
    """A path as text; bytes that are not UTF-8 are shown escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _unreadable(full: str, error: OSError) -> BaseError:
    shown = _shown("/" + full.lstrip("/"))  # the root itself may be the folder
    return BaseError(
        f"cannot read {shown}: {error.strerror}; allow it, or let git ignore the file (outside git: name "
        "another folder)"
    )


def _read_file(full: str) -> BaseFile | None:
    """One file as it is now; None when it is gone or has become something else since it was listed."""
    try:
        # Not to be led elsewhere by a link, nor held up by a pipe, that has taken the file's place.
        with os.fdopen(os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_BYTES:
                return None
            return BaseFile("100755" if status.st_mode & 0o100 else "100644", file.read(status.st_size))
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return BaseFile("120000", os.fsencode(Path(full).readlink()))
        raise _unreadable(full, error) from error


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
