"""Items that crash, hang, raise or eat memory cost themselves only; order is kept."""

from __future__ import annotations

import ctypes
import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docproc.errors import PageError, WorkerError
from docproc.flow.mappers import AHEAD, in_process, in_processes
from docproc.types import Failure


def behave(item: str) -> str:
    """Do what the item says, then return it."""
    act, _, path = item.partition(" ")
    if act == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif act == "killed-once" and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    elif act == "hang":
        while True:
            signal.pause()
    elif act == "raise":
        raise ValueError("seven is no colour")
    elif act == "damaged":
        raise PageError("damaged", "stream ends early")
    elif act == "memory":
        bytearray(2**40)
    elif act == "threads":
        import cv2

        return f"{cv2.getNumThreads()} {os.environ['OMP_NUM_THREADS']} {'torch' in sys.modules}"
    elif act == "lambda":
        return lambda: item  # type: ignore[return-value]
    return item


def name_loss(item: str, failure: Failure) -> str:
    return f"lost {item.partition(' ')[0]}: {failure.code} {failure.detail}".strip()


def test_in_process_keeps_order_and_turns_exceptions_into_losses() -> None:
    outcome = list(in_process(behave, ["a", "raise", "damaged", "b"], name_loss))
    assert outcome == [
        "a",
        "lost raise: bug ValueError: seven is no colour",
        "lost damaged: damaged stream ends early",
        "b",
    ]


def test_crash_hang_exception_and_memory_cost_only_themselves(tmp_path: Path) -> None:
    once = f"killed-once {tmp_path / 'mark'}"
    items = ["a", "segv", "b", "raise", "hang", "c", "memory", once, "d", "segv", "e"]
    with in_processes(workers=2, seconds=2, megabytes=1500) as mapper:
        outcome = list(mapper(behave, items, name_loss))
    assert outcome[:4] == ["a", "lost segv: crash", "b", "lost raise: bug ValueError: seven is no colour"]
    assert outcome[4:9] == ["lost hang: timeout longer than page_seconds = 2", "c", "lost memory: memory", once, "d"]
    assert outcome[9:] == ["lost segv: crash", "e"]


def test_items_are_taken_only_a_bounded_number_ahead() -> None:
    taken = 0

    def count() -> Iterator[str]:
        nonlocal taken
        for number in range(200):
            taken += 1
            yield str(number)

    with in_processes(workers=1, seconds=30, megabytes=1500) as mapper:
        for number, outcome in enumerate(mapper(behave, count(), name_loss)):
            assert outcome == str(number)
            assert taken <= number + AHEAD
    assert taken == 200


def test_worker_has_one_thread_and_no_torch() -> None:
    with in_processes(workers=1, seconds=30, megabytes=1500) as mapper:
        assert list(mapper(behave, ["threads"], name_loss)) == ["1 1 False"]


def test_mapper_left_early_ends_its_workers() -> None:
    with in_processes(workers=1, seconds=30, megabytes=1500) as mapper:
        outcome = mapper(report_process, range(10), lambda item, failure: -1)
        process = next(outcome)
    assert not process_runs(process)


def test_workers_that_cannot_start_end_the_run() -> None:
    with (
        in_processes(workers=1, seconds=5, megabytes=20) as mapper,
        pytest.raises(WorkerError, match="worker_megabytes"),
    ):
        list(mapper(behave, ["a", "b"], name_loss))


ORPHANS = """
import signal, sys
from docproc.flow.mappers import in_processes
with in_processes(workers=2, seconds=600, megabytes=1500) as mapper:
    outcome = mapper(abs, range(9), lambda item, failure: item)
    next(outcome)
    print("started", flush=True)
    signal.pause()
"""


def test_workers_end_with_a_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        parent.kill()
        # the pipe ends when the last worker that inherited it does
        assert parent.stdout.read() == b""


def report_process(item: int) -> int:
    return os.getpid()


def count_faults(_: int) -> int:
    """How often the system had to give this process memory, while large arrays came and went once more."""
    import resource

    import numpy as np

    faults = 0
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            np.ones(2**24, np.uint8)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return faults


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="memory is not kept by glibc here"
)
def test_worker_keeps_the_memory_of_the_page_before() -> None:
    with in_processes(workers=1, seconds=30, megabytes=1500) as mapper:
        assert max(mapper(count_faults, range(2), lambda item, failure: 10**6)) < 10
    anew = subprocess.run(
        [sys.executable, "-c", f"{inspect.getsource(count_faults)}\nprint(count_faults(0))"],
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert int(anew.stdout) > 50, "memory that comes from the system anew is counted, if only by pages of 2 MB"


def process_runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


FEW_HANDLES = """
import resource
from docproc.errors import WorkerError
from docproc.flow.mappers import in_processes
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
try:
    with in_processes(workers=2, seconds=5, megabytes=1500) as mapper:
        list(mapper(abs, [1, 2], lambda item, failure: item))
except WorkerError as error:
    print(error)
"""


def test_want_of_handles_is_said_and_what_to_do() -> None:
    ended = subprocess.run([sys.executable, "-c", FEW_HANDLES], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("worker processes cannot be started: Too many open files; close other programs")
    assert ended.stderr == ""
