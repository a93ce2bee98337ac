"""A bar for a person at a terminal, nothing for a file."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
from docproc.apps.progress import show_progress
with show_progress() as progress:
    progress("survey", 3, 3)
    progress("read", 7, 20)
"""


def run_script(stderr: int) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=stderr, env=environment, check=True
    )


def test_terminal_gets_a_bar_with_pages_done() -> None:
    ours, theirs = os.openpty()
    ended = run_script(theirs)
    os.close(theirs)
    drawn = os.read(ours, 100_000).decode()
    os.close(ours)
    assert ended.stdout == b""
    assert "looking at files" in drawn
    assert "reading pages" in drawn
    assert "7/20" in drawn


def test_file_gets_nothing() -> None:
    ended = run_script(subprocess.PIPE)
    assert (ended.stdout, ended.stderr) == (b"", b"")
