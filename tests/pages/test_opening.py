from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docproc.pages.opening import open_file

ASK = """
import sys
from docproc.errors import PageError
from docproc.options import Options
from docproc.pages.load import load
from docproc.pages.sources import survey
from docproc.types import PageRef
document = survey(sys.argv[1], Options())
print(document.failure.code, document.failure.detail)
try:
    load(PageRef(sys.argv[1], "0" * 64, 1), Options())
except PageError as error:
    print(error.code, error.detail)
"""


def test_fifo_that_took_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "a.pdf"
    os.mkfifo(fifo)
    ended = subprocess.run([sys.executable, "-c", ASK, fifo], capture_output=True, text=True, check=True, timeout=120)
    assert ended.stdout.splitlines() == ["no-access not a regular file"] * 2


@pytest.mark.parametrize("name", ["/dev/null", "/dev/zero", "/dev", "/dev/stdin/none"])
def test_devices_and_folders_are_no_files(name: str) -> None:
    with pytest.raises(OSError, match=r"regular|directory|Not a"):
        open_file(name)


def test_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(3_000_000))
    with open_file(str(path)) as file:
        assert len(file.read()) == 3_000_000
