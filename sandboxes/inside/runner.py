"""The main process of a sandbox: answers requests on its standard input until that ends.

It runs as root with no capability but to change identity and to kill, so that the code under repair, which
runs as another user, can neither write its descriptors nor end it. Commands and file work happen in forked
children that have dropped to that user; one request is served at a time.
"""

from __future__ import annotations

import os
import sys
import tarfile
import traceback
from typing import Any, Callable, Dict, List

from sandboxes.inside import checkpoints, files, leftovers
from sandboxes.inside.commands import Children, run
from sandboxes.inside.files import Incoming, Outgoing
from sandboxes.inside.frames import read_header, send
from sandboxes.inside.identity import become_owner, forbid_new_privileges

IN, OUT = 0, 1


class Runner:
    """State that outlives a request: the notice of ended children and the kept checkpoints."""

    def __init__(self) -> None:
        self.children = Children()
        self.kept: List[int] = []

    def serve(self) -> None:
        """Answer requests until the other end is gone."""
        send(OUT, {"kind": "hello", "path": os.environ.get("PATH", os.defpath)})
        while True:
            try:
                request, size = read_header(IN)
            except EOFError:
                return
            self.answer(request, Incoming(IN, size))

    def answer(self, request: Dict[str, Any], payload: Any) -> None:
        operation = request["operation"]
        if operation == "run":
            run(request, payload.read(), self.children, IN, OUT)
        elif operation == "feed":
            payload.rest()  # for a command that has ended meanwhile
        elif operation == "install_inside":
            reply(lambda: files.install_inside(request, payload), payload)
        elif operation == "checkpoint":
            self.kept.append(os.memfd_create("checkpoint"))
            self.as_owner(request, payload)
        else:
            self.as_owner(request, payload)

    def as_owner(self, request: Dict[str, Any], payload: Any) -> None:
        """Serve a file request in a child that has dropped to the owner of the work area."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                become_owner()
                reply(lambda: self.handle_files(request, payload), payload)
                code = 0
            except Exception:
                traceback.print_exc()  # the host shows it when it finds the runner gone
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        if status != 0:
            sys.exit(f"runner: {request['operation']} died with status {status}")

    def handle_files(self, request: Dict[str, Any], payload: Any) -> Any:
        operation, path = request["operation"], request["path"]
        if operation == "read":
            return files.read(path, request["max_bytes"])
        if operation == "write":
            return files.write(path, payload, 0o755 if request["executable"] else 0o644)
        if operation == "remove":
            return files.remove(path)
        if operation == "put_tar":
            return files.unpack(path, payload)
        if operation == "export":
            return files.pack(path, Outgoing(OUT, request["max_bytes"]))
        if operation == "checkpoint":
            left = checkpoints.LIMIT - sum(os.fstat(store).st_size for store in self.kept)
            checkpoints.keep(path, self.kept[-1], left)
            return b"%d" % (len(self.kept) - 1)
        if operation == "restore":
            return checkpoints.put_back(path, self.kept[request["number"]])
        raise ValueError(f"unknown operation {operation}")


def reply(work: Callable[[], Any], payload: Any) -> None:
    """Do the work and send its answer, or the error a caller can expect."""
    message: Dict[str, Any] = {"kind": "done"}
    body = b""
    try:
        body = work() or b""
    except OSError as error:
        message = {"kind": "error", "errno": error.errno, "message": str(error)}
    except (ValueError, EOFError, tarfile.TarError) as error:
        message = {"kind": "error", "errno": None, "message": str(error)}
    payload.rest()
    send(OUT, message, body)


def main() -> None:
    """Entry of the container's main process."""
    if os.getpid() != 1:
        sys.exit("runner: must be the first process of its own process namespace")
    forbid_new_privileges()
    leftovers.open_work_area()
    Runner().serve()
