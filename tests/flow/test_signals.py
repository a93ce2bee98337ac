"""One signal asks, two order, whatever the main thread is busy with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from docproc.errors import Exit
from docproc.flow.signals import catch_stops

# The key derivation runs for minutes in C, lets other threads run and never looks for signals. With so long a switch
# interval the other thread cannot speak before the main thread is in there.
BUSY = """
import hashlib, sys, threading
from docproc.flow.signals import catch_stops
gate = threading.Lock()
gate.acquire()
def speak():
    with gate:
        print("busy", flush=True)
with catch_stops():
    threading.Thread(target=speak, daemon=True).start()
    sys.setswitchinterval(1000)
    gate.release()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)
"""


def test_two_signals_end_a_process_that_is_deep_in_a_library() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"busy\n"
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGTERM)
        try:
            assert child.wait(timeout=30) == Exit.INTERRUPTED
        finally:
            child.kill()


def test_one_signal_only_asks_and_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    threads = threading.active_count()
    with catch_stops() as stopping:
        assert not stopping()
        os.kill(os.getpid(), signal.SIGTERM)
        deadline = time.monotonic() + 60
        while not stopping():
            assert time.monotonic() < deadline
    assert signal.getsignal(signal.SIGTERM) == before
    assert threading.active_count() == threads


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with catch_stops() as stopping:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stopping()
    finally:
        signal.signal(signal.SIGHUP, before)
