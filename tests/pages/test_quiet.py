from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from docproc.pages.quiet import STDERR, muted


def test_what_libraries_print_goes_nowhere_and_what_follows_does_not(capfd: pytest.CaptureFixture[str]) -> None:
    with muted():
        os.write(STDERR, b"odd tag")
    os.write(STDERR, b"after")
    assert capfd.readouterr().err == "after"


@pytest.mark.parametrize("free", [0, 1, 2])
def test_no_handle_is_left_open_nor_needed(free: int, capfd: pytest.CaptureFixture[str]) -> None:
    handles = os.listdir("/dev/fd")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, handles)) + free, before[1]))
    try:
        with muted():
            os.write(STDERR, b"odd tag")
        os.write(STDERR, b"after")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert os.listdir("/dev/fd") == handles
    assert capfd.readouterr().err.endswith("after")


def test_closed_stderr_stays_closed() -> None:
    script = (
        "import os\nfrom docproc.pages.quiet import muted\n"
        "with muted(): pass\n"
        "try: os.fstat(2)\nexcept OSError: print('closed')\n"
    )
    child = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, script]
    assert subprocess.run(child, stdout=subprocess.PIPE, check=True).stdout == b"closed\n"


def test_survey_of_an_odd_document_prints_nothing(data: Path) -> None:
    script = (
        "import sys\nfrom docproc.options import Options\nfrom docproc.pages.sources import survey\n"
        "survey(sys.argv[1], Options())\n"
    )
    odd = data / "bad-inputs" / "qpdf__bad-content.pdf"
    ended = subprocess.run([sys.executable, "-c", script, odd], capture_output=True, check=True)
    assert ended.stderr == b""
