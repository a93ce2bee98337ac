"""Small untrained networks, so that the command line can be tested without the shipped weights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from docproc.apps.local.server import Server

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"
Docproc = Callable[..., "subprocess.Popen[bytes]"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


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
        shutil.copytree(SAMPLES / name, folder / name, ignore=shutil.ignore_patterns("blank.png", "*.toml"))
    return folder


@pytest.fixture(scope="session")
def page(samples: Path) -> Path:
    """A sample of one page."""
    return samples / "photo" / "slip.jpg"


PATIENCE = 20_000
"""Milliseconds that a page on a busy machine may take to show what is expected of it."""


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser, which tests of pages share; they skip where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("the browser chromium is not installed")
    sync_api.expect.set_options(timeout=PATIENCE)
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture
def sit(browser: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """Sit down at the page of `server` under a name; it may ask nobody else, and no script of it may fail."""
    asked: list[str] = []
    errors: list[str] = []
    with ExitStack() as held:

        def open_as(who: str = "Ada", **given: Any) -> Any:
            context = held.enter_context(browser.new_context(viewport={"width": 1280, "height": 720}, **given))
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
            page.goto(server.address)
            page.get_by_label("Your name").fill(who)
            page.keyboard.press("Enter")
            page.wait_for_selector("body[data-ready]")
            return page

        yield open_as
    assert errors == []
    assert [url for url in asked if not url.startswith((f"http://{server.names.own[0]}/", "data:"))] == []


@pytest.fixture
def card_form(tmp_path: Path) -> Path:
    """A form file with comments, a comb of single cells, one of even cells and a box, on two pages of its reference."""
    for number in (1, 2):
        picture = Image.new("L", (800, 600), 250)
        pen = ImageDraw.Draw(picture)
        for x, y, width, height in ((100, 100, 240, 40), (100, 200, 240, 40), (100, 300, 200, 40)):
            pen.rectangle((x, y, x + width, y + height), outline=60, width=2)
        picture.save(tmp_path / f"card-{number}.png", dpi=(150, 150))
    path = tmp_path / "card.toml"
    path.write_text(CARD, encoding="utf-8")
    return path


CARD = """\
# The card of 2026.
name = "card"
reference = ["card-1.png", "card-2.png"]

# printed by the office
[[field]]
name = "number"
cells = [[100, 100, 80, 40], [180, 100, 80, 40], [260, 100, 80, 40]]

[[field]]
name = "reading"
box = [100, 200, 240, 40]  # measured
cells = 6

[[field]]
name = "people"
box = [100, 300, 200, 40]
type = "integer"
maximum = 20
# minimum = 1

[[field]]
name = "total"
page = 2
box = [100, 300, 200, 40]
type = "integer"

[[rule]]
sum = ["reading", "people"]
equals = "total"
"""
