"""Small untrained networks, so that the command line can be tested without the shipped weights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
Docproc = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    from docproc.recognize.line_net import LineNet, LineShape
    from docproc.recognize.net import Cascade, make_shape
    from docproc.train.fit import save
    from docproc.train.modelfile import save_model

    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(1)
    shape = LineShape(2, (3,), (4,), (6,), 7, (1,))
    save_model(LineNet(shape), folder / "lines.safetensors", {"shape": asdict(shape)})
    return save(Cascade(make_shape(2, 1, 8), make_shape(4, 1, 16)).eval(), {}, folder)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of some samples, five pages, that nobody else writes to."""
    folder = tmp_path_factory.mktemp("samples") / "samples"
    for name in ("comb", "empty", "photo"):
        shutil.copytree(SAMPLES / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def page(samples: Path) -> Path:
    """A sample of one page."""
    return samples / "photo" / "slip.jpg"


@pytest.fixture(scope="session")
def docproc() -> Docproc:
    """Start the command line in a session of its own, as a terminal would."""

    def start(*arguments: str | Path | bytes, cwd: bytes | None = None, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "docproc.apps.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            cwd=cwd,
            start_new_session=True,
        )

    return start
