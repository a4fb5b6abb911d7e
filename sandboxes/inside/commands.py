"""Running one command: a dropped child, bounded output, a deadline, and nothing left behind."""

from __future__ import annotations

import os
import resource
import selectors
import signal
import time
from typing import Any, Callable, Dict, Optional, Tuple

from sandboxes.inside import leftovers
from sandboxes.inside.feeding import Feed, next_input
from sandboxes.inside.frames import send
from sandboxes.inside.identity import WORK, become_owner
from sandboxes.inside.leftovers import TEMPORARY, Reserve
from sandboxes.inside.syscalls import FILTER

REPORT_FD = 3
TICK = 0.2  # seconds between looks at the disk while a command runs
READ = 1 << 18
NEARLY_FULL_BYTES = 64 * 1024
NEARLY_FULL_INODES = 8
OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


class Bounded:
    """Output of which only the first and the last half of `limit` bytes are kept."""

    def __init__(self, limit: int) -> None:
        self.half = limit // 2
        self.head = bytearray()
        self.tail = bytearray()
        self.total = 0

    def feed(self, data: bytes) -> None:
        self.total += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:] if room > 0 else data
        if len(self.tail) > 4 * self.half:
            del self.tail[: -self.half or None]

    def value(self) -> Tuple[bytes, bool]:
        """The kept bytes with a note of what was cut, and whether anything was."""
        tail = bytes(self.tail[-self.half :]) if self.half else b""
        cut = self.total - len(self.head) - len(tail)
        if not cut:
            return bytes(self.head) + tail, False
        return bytes(self.head) + b"\n[... %d bytes cut ...]\n" % cut + tail, True


class Report:
    """Bytes of the report pipe, sent on as they arrive, up to `limit`."""

    def __init__(self, limit: int, out: int) -> None:
        self.left = limit
        self.out = out
        self.cut = False

    def feed(self, data: bytes) -> None:
        kept = data[: self.left]
        self.cut = self.cut or len(kept) < len(data)
        self.left -= len(kept)
        if kept:
            send(self.out, {"kind": "report"}, kept)


class Children:
    """Notice of ended children through a descriptor, so that one `select` waits for all there is; and the
    memory kept back for what has to be done after them."""

    def __init__(self) -> None:
        self.reserve = Reserve()
        self.wake, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)

    def reap(self, wanted: int) -> Optional[int]:
        """Collect everything that has ended; the wait status of process `wanted` if it is among them."""
        found = None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return found
            if pid == 0:
                return found
            if pid == wanted:
                found = status

    def silence(self) -> None:
        """Forget the notices seen so far."""
        try:
            while os.read(self.wake, 4096):
                pass
        except BlockingIOError:
            return


def sweep() -> None:
    """Kill everything else in this process namespace, until no child is left."""
    while True:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def oom_kills() -> int:
    """How many processes of this cgroup the kernel has killed for want of memory (v2, then v1)."""
    for name in OOM_COUNTERS:
        try:
            with open(name) as lines:
                for line in lines:
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        except OSError:
            continue
    return 0


def disk_is_full() -> bool:
    """Whether the work area or a temporary folder has no room left."""
    for folder in (WORK, *TEMPORARY):
        state = os.statvfs(folder)
        bytes_left = state.f_bavail * state.f_frsize < NEARLY_FULL_BYTES
        inodes_left = state.f_files > 0 and state.f_favail < NEARLY_FULL_INODES
        if bytes_left or inodes_left:
            return True
    return False


def become_command(request: Dict[str, Any], stdin: int, stdout: int, stderr: int, report: int) -> None:
    """In the child: set descriptors, bounds and identity, then exec. Does not return."""
    os.setsid()
    for source, target in ((stdin, 0), (stdout, 1), (stderr, 2)):
        os.dup2(source, target)
    environment = dict(request["env"])
    if request["report"]:
        os.dup2(report, REPORT_FD) if report != REPORT_FD else os.set_inheritable(report, True)
        environment["AGENT_REPORT_FD"] = str(REPORT_FD)
    code = 126
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if request["memory_bytes"] is not None:
            hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
            wanted = request["memory_bytes"]
            bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
        become_owner()
        FILTER.bind()
        os.chdir(request["cwd"])
        os.execvpe(request["argv"][0], request["argv"], environment)
    except (OSError, ValueError, OverflowError) as error:
        code = 127 if isinstance(error, FileNotFoundError) else 126
        os.write(2, f"cannot run {request['argv'][0]}: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(code)


Sinks = Dict[int, Callable[[bytes], None]]


def pump(
    pid: int, deadline: float, children: Children, sinks: Sinks, feed: Feed, control: int
) -> Tuple[Optional[int], bool]:
    """Move bytes until the process ends or the deadline passes: (wait status or None, disk was full).

    All the host says on `control` while a command runs is what to feed an interactive one.
    """
    full = feeding = False
    with selectors.DefaultSelector() as selector:
        selector.register(children.wake, selectors.EVENT_READ)
        selector.register(control, selectors.EVENT_READ)
        for fd in sinks:
            selector.register(fd, selectors.EVENT_READ)
        while True:
            if feed.pending and not feeding:
                selector.register(feed.fd, selectors.EVENT_WRITE)
            elif feeding and not feed.pending:
                selector.unregister(feed.fd)
            feeding = bool(feed.pending)
            feed.finish()
            status = children.reap(pid)
            left = deadline - time.monotonic()
            if status is not None or left <= 0:
                return status, full
            ready = selector.select(min(left, TICK))
            full = full or (not ready and disk_is_full())
            for key, _ in ready:
                if key.fd == children.wake:
                    children.silence()
                elif key.fd == control:
                    feed.take(next_input(control, feed.interactive))
                elif key.fd == feed.fd:
                    feed.advance()
                else:
                    chunk = os.read(key.fd, READ)
                    sinks[key.fd](chunk)
                    if not chunk:
                        selector.unregister(key.fd)


def drain(fd: int, sink: Callable[[bytes], None]) -> None:
    """Take what is left in a pipe whose writers are all gone, and close it."""
    chunk = b" "
    while chunk:
        chunk = os.read(fd, READ)
        sink(chunk)
    os.close(fd)


def exit_code(status: int) -> int:
    """A wait status as an exit code, -N for the end by signal N."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def run(request: Dict[str, Any], stdin: bytes, children: Children, control: int, out: int) -> None:
    """Run one command, stream its report, and send the result to descriptor `out`."""
    kills = oom_kills()
    output, errors = Bounded(request["max_output"]), Bounded(request["max_output"])
    report = Report(request["max_report"], out)
    pipes = [os.pipe() for _ in range(4)]
    (in_read, in_write), (out_read, out_write), (err_read, err_write), (rep_read, rep_write) = pipes
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        become_command(request, in_read, out_write, err_write, rep_write)
    for fd in (in_read, out_write, err_write, rep_write):
        os.close(fd)
    sinks: Sinks = {out_read: output.feed, err_read: errors.feed, rep_read: report.feed}
    feed = Feed(in_write, stdin, request["interactive"], out)
    status, full = pump(pid, started + request["timeout"], children, sinks, feed, control)
    seconds = time.monotonic() - started
    feed.close()
    sweep()
    children.silence()
    for fd, sink in sinks.items():
        drain(fd, sink)
    full = full or disk_is_full()
    out_of_memory = oom_kills() > kills
    if out_of_memory:
        children.reserve.release()
    leftovers.clear()
    if out_of_memory:
        children.reserve.hold()
    (kept_output, cut_output), (kept_errors, cut_errors) = output.value(), errors.value()
    result = {
        "kind": "done",
        "exit_code": None if status is None else exit_code(status),
        "stdout": len(kept_output),
        "seconds": seconds,
        "timed_out": status is None,
        "out_of_memory": out_of_memory,
        "disk_full": full,
        "truncated": cut_output or cut_errors or report.cut,
    }
    send(out, result, kept_output + kept_errors)
