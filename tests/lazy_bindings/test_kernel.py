"""The kernel: one Node process that works as jsii's two do, and stock jsii where it is another."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stacks.lazy_bindings.kernel import (
    BINDINGS,
    FILES,
    KNOWN_VERSION,
    READS_MORE_AT_ONCE,
    READS_PIECES,
    UnknownJsiiError,
    is_wanted,
    load_without_waiting,
    unpack_kernel,
)
from stacks.lazy_bindings.node_half import our_node

from .conftest import PROJECT

ONE, TWO = "program.js", "jsii-runtime.js"
# Which program of jsii's Python has started, and that the kernel behind it works.
USE = """
import stacks, constructs, pathlib
from jsii._runtime import kernel
print(pathlib.Path(kernel.provider._process._process.args[-1]).name)
print(constructs.Node.of(constructs.RootConstruct("root")).id)
"""
NOTE = "lazy_bindings: jsii starts its kernel the slow way: "


def package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


class Machine:
    """Runs Python where there is no Node but the virtual environment's own."""

    def __init__(self, folder: Path) -> None:
        self.packages = folder / "packages"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not _changes_jsii(name)},
            "PATH": str(folder / "no node here"),
            "PYTHONPATH": os.pathsep.join([str(self.packages), str(PROJECT)]),
            "TMPDIR": str(self.scratch),
        }

    def run(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def _changes_jsii(name: str) -> bool:
    return name.startswith("JSII_") or name in ("NODE_OPTIONS", "BURST_STOCK_BINDINGS")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def own_jsii(machine: Machine) -> Path:
    """A copy of jsii, in front of the installed one."""
    return Path(shutil.copytree(package("jsii"), machine.packages / "jsii"))


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


# jsii itself never has a second one.
ANOTHER = """
from jsii._kernel.providers.process import _NodeProcess
other = _NodeProcess()
other.start()
print(pathlib.Path(other._process.args[-1]).name)
other.stop()
"""


def test_jsii_works_in_one_node_process_that_leaves_nothing_behind(machine: Machine) -> None:
    done = machine.run(USE + ANOTHER)

    assert (done.stdout, done.stderr, done.returncode) == (f"{ONE}\nroot\n{TWO}\n", "", 0)
    assert list(machine.scratch.iterdir()) == []


def test_a_program_that_only_imports_jsii_ends_without_a_word(machine: Machine) -> None:
    done = machine.run("import stacks, jsii")

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert list(machine.scratch.iterdir()) == []


@pytest.mark.parametrize("use", ["", USE])
def test_the_kernel_may_start_before_jsii_is_imported(machine: Machine, use: str) -> None:
    done = machine.run("import stacks; stacks.lazy_bindings.start()\n" + use)

    assert (done.stdout, done.stderr) == (f"{ONE}\nroot\n" if use else "", "")
    assert done.returncode == 0
    assert list(machine.scratch.iterdir()) == []


def test_the_kernel_is_jsiis_but_for_how_much_it_reads_at_once() -> None:
    with unpack_kernel(package("jsii")) as folder:
        unpacked = {name: (Path(folder) / name).read_bytes() for name in FILES.values()}

    packed = package("jsii") / "_embedded" / "jsii"
    stock = {name: (packed / file).read_bytes() for file, name in FILES.items()}
    assert unpacked["program.js"].count(READS_MORE_AT_ONCE) == 1
    unpacked["program.js"] = unpacked["program.js"].replace(READS_MORE_AT_ONCE, READS_PIECES)
    assert unpacked == stock


def another_version(jsii: Path) -> None:
    for file in ("_metadata.json", "_embedded/jsii/lib__program.js"):
        replace(jsii / file, KNOWN_VERSION, "1.999.0")


def another_descriptor(jsii: Path) -> None:
    replace(jsii / "_embedded/jsii/lib__program.js", "readFD:3,writeFD:3", "readFD:0,writeFD:1")


def no_worker(jsii: Path) -> None:
    (jsii / "_embedded/jsii/lib__runtime-index-worker.js").unlink()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            another_version,
            f"version 1.999.0 of jsii is installed and only {KNOWN_VERSION} is known",
        ),
        (another_descriptor, "jsii's kernel does not speak on file descriptor 3"),
        (no_worker, "lib__runtime-index-worker.js cannot be read"),
    ],
)
def test_only_the_known_jsii_is_started_directly(
    own_jsii: Path, change: Callable[[Path], None], reason: str
) -> None:
    change(own_jsii)

    with pytest.raises(UnknownJsiiError, match=f"{re.escape(reason)}$"):
        unpack_kernel(own_jsii)


def test_an_unknown_jsii_starts_its_own_way_and_one_note_says_why(
    machine: Machine, own_jsii: Path
) -> None:
    another_version(own_jsii)

    done = machine.run(USE)

    assert (done.stdout, done.returncode) == (f"{TWO}\nroot\n", 0)
    assert done.stderr == (
        f"{NOTE}version 1.999.0 of jsii is installed and only {KNOWN_VERSION} is known.\n"
    )


def test_a_jsii_that_was_imported_before_is_left_alone_and_a_note_says_so(
    machine: Machine,
) -> None:
    done = machine.run(f"import jsii\n{USE}")

    assert done.stdout == f"{TWO}\nroot\n"
    assert done.stderr == f"{NOTE}jsii was imported before `stacks`; import `stacks` first.\n"


def own_program(folder: Path) -> Mapping[str, str]:
    packed = package("jsii") / "_embedded" / "jsii"
    for name in ("bin__jsii-runtime.js", "lib__program.js"):
        target = folder / name.replace("__", "/")
        target.parent.mkdir()
        shutil.copy(packed / name, target)
    return {"JSII_RUNTIME": str(folder / "bin" / TWO)}


def test_the_users_own_program_is_used(machine: Machine, tmp_path: Path) -> None:
    done = machine.run(USE, **own_program(tmp_path))

    assert (done.stdout, done.stderr, done.returncode) == (f"{TWO}\nroot\n", "", 0)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"JSII_NODE": our_node()}, True),
        ({"JSII_NODE": "my-node"}, False),
        ({}, False),  # the Node on the PATH is another one
        ({"JSII_NODE": our_node(), "JSII_RUNTIME": "my-program"}, False),
    ],
)
def test_the_kernel_is_started_directly_only_with_the_node_that_is_known(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], wanted: bool
) -> None:
    for name in ("JSII_NODE", "JSII_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert is_wanted() is wanted


def switched_off() -> Mapping[str, str]:
    # Nothing names the virtual environment's Node then.
    return {"BURST_STOCK_BINDINGS": "1", "JSII_NODE": our_node() or ""}


PRINTS = """
process.on("exit", () => {
  console.log("to stdout: \u00e9");
  console.error("to stderr");
  require("child_process").execSync("echo from a child; echo its error >&2", { stdio: "inherit" });
  console.log("x".repeat(200000));
});
"""


def printing(folder: Path) -> Mapping[str, str]:
    (folder / "prints.cjs").write_text(PRINTS, encoding="utf-8")
    return {"NODE_OPTIONS": f'--require "{folder / "prints.cjs"}"', "PYTHONIOENCODING": "utf-8"}


def test_what_node_and_its_children_print_arrives(machine: Machine, tmp_path: Path) -> None:
    done = machine.run(USE, **printing(tmp_path))

    assert sorted(done.stdout.splitlines()) == sorted(
        [ONE, "root", "to stdout: \u00e9", "from a child", "x" * 200_000]
    )
    assert done.stderr == "to stderr\nits error\n"


def test_what_node_prints_is_shown_where_stdout_takes_no_bytes(
    machine: Machine, tmp_path: Path
) -> None:
    done = machine.run(f"import io, sys\nsys.stdout = io.StringIO()\n{USE}", **printing(tmp_path))

    assert done.returncode == 0
    assert "from a child\n" in done.stderr
    assert "to stderr\n" in done.stderr


# Loads a package that cannot be loaded, then uses one that was.
LOAD = """
import stacks, constructs
from jsii._runtime import kernel
where = "load"
try:
    kernel.load("broken", "1.0.0", TARBALL)
    where = "next call"
    constructs.RootConstruct("root")
except Exception as error:
    print(where, type(error).__name__, error)
print(constructs.Node.of(constructs.RootConstruct("root")).id)
"""


def test_a_package_that_cannot_be_loaded_fails_the_next_call_with_the_same_error(
    machine: Machine, tmp_path: Path
) -> None:
    code = f"TARBALL = {str(tmp_path / '_jsii' / 'none.tgz')!r}\n{LOAD}"

    fast = machine.run(code)
    stock = machine.run(code, **switched_off())

    assert fast.stdout.startswith("next call RuntimeError ENOENT: no such file or directory"), fast
    assert fast.stdout.replace("next call", "load") == stock.stdout
    assert fast.stdout.endswith("\nroot\n")


class AnsweringNode:
    """jsii's process, with answers that are known beforehand."""

    def __init__(self, *answers: dict[str, str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)
        self._process = self
        self.stdin = self

    def send(self, request: Any, response_type: Any) -> Any:
        self.write(request.name.encode())
        return self._next_message()

    def _next_message(self) -> dict[str, str]:
        return self._answers.pop(0)

    def write(self, data: bytes) -> None:
        self.asked.append(data.decode())

    def flush(self) -> None:
        pass


class LoadRequest(NamedTuple):
    name: str
    tarball: str = "package/_jsii/package.jsii.tgz"


class Call(NamedTuple):
    name: str


@pytest.mark.parametrize(
    ("loaded", "warmed", "expected"),
    [
        ({"ok": "loaded"}, {"ok": "aws"}, {"ok": "call"}),
        ({"ok": "loaded"}, {"error": "there is no such property"}, {"ok": "call"}),
        ({"error": "cannot load"}, {"error": "not loaded"}, {"error": "cannot load"}),
    ],
)
def test_the_provider_is_asked_for_ahead_and_only_a_failed_load_is_an_error(
    loaded: dict[str, str], warmed: dict[str, str], expected: dict[str, str]
) -> None:
    node = AnsweringNode(loaded, warmed, {"ok": "call"})
    load_without_waiting(node)

    node.send(LoadRequest(BINDINGS[0]), None)

    assert json.loads(node.asked.pop())["fqn"] == "@cdktf/provider-aws.provider.AwsProvider"
    assert node.send(Call("create"), None) == expected
    assert node.asked == [BINDINGS[0], "create"]


def test_a_package_out_of_a_zip_file_is_waited_for(machine: Machine, tmp_path: Path) -> None:
    done = machine.run(f"TARBALL = {str(tmp_path / 'unpacked.tgz')!r}\n{LOAD}")

    assert done.stdout.startswith("load RuntimeError ENOENT"), done.stderr


def test_ctrl_c_ends_python_and_node(machine: Machine) -> None:
    code = "import stacks, constructs, time; print('running', flush=True); time.sleep(60)"
    python = subprocess.Popen(
        [sys.executable, "-c", code],
        env=machine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert python.stdout is not None
    assert python.stdout.readline() == "running\n"

    os.killpg(python.pid, signal.SIGINT)
    _, stderr = python.communicate(timeout=30)

    assert python.returncode == -signal.SIGINT
    assert stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert happens(lambda: is_gone(python.pid))


def is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def happens(event: Callable[[], bool]) -> bool:
    """Whether it happens soon."""
    for _ in range(200):
        if event():
            return True
        time.sleep(0.05)
    return False


def test_node_ends_with_a_python_that_was_killed(machine: Machine, tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    (tmp_path / "end.cjs").write_text(
        f'process.on("exit", () => require("fs").writeFileSync("{ended}", ""));'
    )

    machine.run(
        "import os, stacks, constructs\nos.kill(os.getpid(), 9)",
        NODE_OPTIONS=f'--require "{tmp_path / "end.cjs"}"',
    )

    assert happens(ended.exists)
