"""The kernel between the halves: one Node process, and no wait that nobody needs.

jsii starts a Node program that starts its kernel in a second Node. From then on the first only
passes on requests, answers and what the kernel prints, because the kernel speaks on file
descriptor 3, which Python cannot hand out. A shell can, and does not stay: here it makes a socket
the kernel's descriptor 3. The kernel's stdout and stderr are pipes that a thread copies to
Python's own.

Three waits go as well. The kernel starts when the import of `jsii` begins, not after it, or even
before (`start`). Python does not wait while the kernel loads a package, but goes on importing its
own side of it. The kernel's answer to that holds nothing that anybody reads unless it is an error,
so it is read before the next answer; an error is raised then. And as soon as the bindings are
loaded, the kernel is asked for something of the provider, which every stack has: it reads what it
knows of the bindings' types at the first question, and does so while Python still imports.
"""

from __future__ import annotations

import atexit
import json
import os
import platform
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import IO, Any, cast

from stacks.lazy_bindings.node_half import our_node
from stacks.lazy_bindings.notes import note

JSII = "jsii"
PROCESS = "jsii._kernel.providers.process"
KNOWN_VERSION = "1.142.0"
# The kernel, and the worker that it starts from beside itself: the names under which the Python
# package holds them, and by which they find each other.
FILES = {"lib__program.js": "program.js", "lib__runtime-index-worker.js": "runtime-index-worker.js"}
# How the kernel reads a package's archive, which it does whenever it looks for it among the ones
# that it has unpacked: 37 MB in pieces of 16 KB, each in memory that is filled with zeros first.
READS_PIECES, READS_MORE_AT_ONCE = b"Buffer.alloc(16384)", b"Buffer.allocUnsafe(1048576)"
# Where the kernel says which descriptor it speaks on.
SPEAKS_ON_3 = b"readFD:3,writeFD:3"
# The bindings, and those of cdktf's successor, CDK Terrain.
BINDINGS = ("@cdktf/provider-aws", "@cdktn/provider-aws")
# The shell gets the socket as its stdin. The kernel gets no stdin, as from jsii's own program.
SHELL = ("/bin/sh", "-c", 'exec "$@" 3<&0 0</dev/null', "sh")
# The first is what jsii gives its program (the digits are jsii's), the second what that adds.
OPTIONS = ("--max-old-space-size=4069", "--preserve-symlinks")


class UnknownJsiiError(Exception):
    """The installed jsii is not the one that this module knows; the text says how."""


@dataclass(frozen=True)
class Kernel:
    """The kernel's process, whose stdin and stdout are the socket, and what belongs to it."""

    process: subprocess.Popen[bytes]
    console: threading.Thread
    folder: tempfile.TemporaryDirectory[str]


def activate() -> None:
    """Have the import of jsii start the kernel."""
    # Windows has no such shell, and no descriptors that are inherited by number.
    if os.name == "nt" or any(isinstance(finder, JsiiFinder) for finder in sys.meta_path):
        return
    if JSII not in sys.modules:
        sys.meta_path.insert(0, JsiiFinder())
    elif is_wanted():
        _starts_slowly("jsii was imported before `stacks`; import `stacks` first")


def start() -> None:
    """Start the kernel now, for whoever has other things to do before jsii is imported."""
    for finder in sys.meta_path:
        if isinstance(finder, JsiiFinder) and JSII not in sys.modules:
            finder.start()


def is_wanted() -> bool:
    """Not where the user chose a Node or jsii's program.

    That program warns of a Node that is too old or too new for jsii, so for one that we do not
    know it must run.
    """
    node = our_node()
    known = node is not None and os.environ.get("JSII_NODE") == node
    return known and "JSII_RUNTIME" not in os.environ


class JsiiFinder:
    """Finds jsii where Python finds it, and swaps the loader of two modules."""

    def __init__(self) -> None:
        self._kernels: list[Kernel] = []

    def start(self) -> None:
        """Start the kernel of the jsii that Python would find, unless it runs already."""
        spec = PathFinder.find_spec(JSII)
        if spec is not None and spec.origin is not None:
            _start_once(self._kernels, Path(spec.origin).parent)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        loader = {JSII: _Jsii, PROCESS: _Process}.get(fullname)
        if loader is None:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = loader(fullname, spec.origin, self._kernels)
        return spec


class _Loader(SourceFileLoader):
    """With the kernel that was started and not taken yet, if there is one."""

    def __init__(self, name: str, path: str, kernels: list[Kernel]) -> None:
        super().__init__(name, path)
        self._kernels = kernels


class _Jsii(_Loader):
    """Starts the kernel, then runs the package as it is."""

    def exec_module(self, module: ModuleType) -> None:
        _start_once(self._kernels, Path(self.path).parent)
        super().exec_module(module)


class _Process(_Loader):
    """Runs jsii's module, then lets its process class take the kernel."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        if self._kernels:
            let_jsii_take(self._kernels, module.__dict__["_NodeProcess"])


def _start_once(kernels: list[Kernel], jsii: Path) -> None:
    node = our_node()
    if not kernels and node is not None and is_wanted():
        try:
            kernels.append(start_kernel(node, jsii))
        except (UnknownJsiiError, OSError) as error:
            _starts_slowly(str(error))


def start_kernel(node: str, jsii: Path) -> Kernel:
    """Start the kernel of the installed jsii; `UnknownJsiiError` where that is another one."""
    folder = unpack_kernel(jsii)
    here, there = socket.socketpair()
    with there:
        process = subprocess.Popen(  # noqa: S603 - Node itself; the shell only passes its arguments on.
            [*SHELL, node, *OPTIONS, str(Path(folder.name) / "program.js")],
            stdin=there.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "JSII_AGENT": f"Python/{platform.python_version()}"},
        )
    pipes = {"stdout": cast(IO[bytes], process.stdout), "stderr": cast(IO[bytes], process.stderr)}
    console = threading.Thread(
        name="process.stderr_sink", target=copy_console, args=(pipes,), daemon=True
    )
    console.start()
    with here:  # the two files keep it open
        process.stdin, process.stdout = here.makefile("wb"), here.makefile("rb")
    kernel = Kernel(process, console, folder)
    atexit.register(_end_unused, kernel)
    return kernel


def unpack_kernel(jsii: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder with the kernel's files under the names by which they find each other.

    It reads archives faster there, and is else as it is.
    """
    packed = jsii / "_embedded" / "jsii"
    try:
        metadata = json.loads((jsii / "_metadata.json").read_bytes())
        contents = {name: (packed / file).read_bytes() for file, name in FILES.items()}
    except OSError as error:
        raise UnknownJsiiError(f"{error.filename} cannot be read") from error
    version = metadata["jsii-runtime"]["version"]
    if version != KNOWN_VERSION:
        raise UnknownJsiiError(
            f"version {version} of jsii is installed and only {KNOWN_VERSION} is known"
        )
    if contents["program.js"].count(SPEAKS_ON_3) != 1:
        raise UnknownJsiiError("jsii's kernel does not speak on file descriptor 3")
    if contents["program.js"].count(READS_PIECES) == 1:
        contents["program.js"] = contents["program.js"].replace(READS_PIECES, READS_MORE_AT_ONCE)
    folder = tempfile.TemporaryDirectory()
    for name, content in contents.items():
        (Path(folder.name) / name).write_bytes(content)
    return folder


def copy_console(pipes: Mapping[str, IO[bytes]]) -> None:
    """Copy what the kernel prints to Python's stream of that name, until the kernel has ended."""
    with selectors.DefaultSelector() as selector:
        for name, pipe in pipes.items():
            selector.register(pipe, selectors.EVENT_READ, name)
        while selector.get_map():
            for key, _ in selector.select():
                chunk = os.read(key.fd, 65_536)
                if chunk:
                    _print(chunk, key.data)
                else:
                    selector.unregister(key.fileobj)
                    pipes[key.data].close()


def _print(chunk: bytes, name: str) -> None:
    try:
        getattr(sys, name).buffer.write(chunk)
    except (
        AttributeError,
        OSError,
        TypeError,
        ValueError,
    ):  # something stands in for the stream that takes no bytes
        print(chunk.decode(errors="replace"), end="", file=sys.stderr)


def _end_unused(kernel: Kernel) -> None:
    """At the end of a program that imported jsii and then had nothing for it to do."""
    kernel.process.kill()
    kernel.process.wait()
    kernel.folder.cleanup()


def let_jsii_take(kernels: list[Kernel], node_process: Any) -> None:
    """Have jsii's process class start by taking the kernel that runs already."""
    stock_start = node_process.start

    def start(self: Any) -> None:
        if not kernels:  # a second kernel, which jsii itself never has
            stock_start(self)
            return
        kernel = kernels.pop()
        atexit.unregister(_end_unused)
        self._process, self.sink_thread = kernel.process, kernel.console
        self._ctx_stack.enter_context(kernel.folder)
        load_without_waiting(self)
        stop_without_complaint(self)
        # As in jsii's own method.
        atexit.register(self.stop)
        self.handshake()

    node_process.start = start


def question(bindings: str) -> bytes:
    """What any version of the bindings has an answer to; nobody needs the answer."""
    provider = {"fqn": f"{bindings}.provider.AwsProvider", "property": "tfResourceType"}
    return json.dumps({"api": "sget", **provider}).encode() + b"\n"


def load_without_waiting(node_process: Any) -> None:
    """Have one process read the answer to a `LoadRequest` before the next answer it needs."""
    stock_send, stock_next = node_process.send, node_process._next_message
    # Of each answer that was not read yet: whether anybody needs to know of its error.
    unread: list[bool] = []
    is_load = False

    def send(request: Any, response_type: Any) -> Any:
        nonlocal is_load
        is_load = type(request).__name__ == "LoadRequest" and lasts(Path(request.tarball))
        ask = is_load and request.name in BINDINGS
        answer = stock_send(request, response_type)
        if ask:
            node_process._process.stdin.write(question(request.name))
            node_process._process.stdin.flush()
            unread.append(False)
        return answer

    def next_message() -> Any:
        nonlocal is_load
        if is_load:
            is_load = False
            unread.append(True)
            return {"ok": {"assembly": "not read yet", "types": 0}}
        messages = [(stock_next(), matters) for matters in [*unread, True]]
        unread.clear()
        errors = [message for message, matters in messages if matters and "error" in message]
        return [*errors, messages[-1][0]][0]

    node_process.send, node_process._next_message = send, next_message


def stop_without_complaint(node_process: Any) -> None:
    """Have one process stop quietly where Node is gone already, as a Ctrl-C ends both at once."""
    stock_stop = node_process.stop

    def stop() -> None:
        try:
            stock_stop()
        except BrokenPipeError:
            # The connection is closed now, and what else there is to clean up remains.
            stock_stop()

    node_process.stop = stop


def lasts(tarball: Path) -> bool:
    """Whether the file is there after the call too: out of a zip file, jsii unpacks it only for
    so long. An installed one lies where jsii's generator puts it."""
    return tarball.parent.name == "_jsii"


def _starts_slowly(reason: str) -> None:
    note("jsii starts its kernel the slow way", reason)
