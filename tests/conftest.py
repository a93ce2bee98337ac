"""Where tests find the data that is not part of the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Worker processes import the tests' functions; at the end of the path, so that an installed docproc is what is tested.
sys.path.append(str(ROOT))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real pages and digits; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("DOCPROC_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}; set DOCPROC_DATA")
    return folder
