"""Make the pictures of docs/review.md anew: the review page over the samples, in Chromium driven by Playwright.

python scripts/make_review_pictures.py [FOLDER]
"""

from __future__ import annotations

import io
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
COLOURS = 64
FLAG_ALL = "0.0001"
"""The share of wrong values to read with, so that there is much to look at."""


def make_pictures(folder: Path) -> None:
    """Read the samples, open their review, and keep what it looks like."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        shutil.copytree(ROOT / "samples", Path(scratch) / "samples")
        command = [sys.executable, "-m", "docproc.apps.cli"]
        cards = "samples/comb/meter-cards.pdf"
        form = ["--form", "samples/comb/meter-card.toml"]
        for inputs, out in (([cards, *form], "cards.csv"), (["samples"], "all.csv")):
            reading = [*command, "run", *inputs, "--out", out, "--max-error", FLAG_ALL, "--device", "cpu"]
            subprocess.run(reading, check=True, cwd=scratch, stderr=subprocess.DEVNULL)
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, results, look, given in PICTURES:
            with serve([*command, "review", results, "--no-open", "--who", "Ada"], scratch) as address:
                context = browser.new_context(**given)
                page = context.new_page()
                page.goto(address)
                page.wait_for_selector("body[data-ready]")
                look(page)
                page.wait_for_load_state("networkidle")
                with Image.open(io.BytesIO(page.screenshot())) as picture:
                    few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
                    few.save(folder / f"{name}.png", optimize=True)
                context.close()
        browser.close()


@contextmanager
def serve(command: list[str], folder: str) -> Iterator[str]:
    """Run a command that serves a page; the address that it prints."""
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        yield re.findall(r"http://\S+", child.stdout.readline().decode())[0]
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(60)


def look_at_field(page: Any) -> None:
    """A number of a form, its least sure digit under the cursor."""
    for _ in range(2):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(300)


def look_around(page: Any) -> None:
    """The page around a number."""
    look_at_field(page)
    page.keyboard.press("c")
    page.wait_for_selector("#context img")


def look_at_grid(page: Any) -> None:
    """Many digits that were read alike, two of them marked."""
    page.click("[data-purpose=grid]")
    page.wait_for_selector(".tile")
    page.wait_for_timeout(500)
    page.locator(".tile").nth(1).click()
    page.locator(".tile").nth(3).click()


PICTURES: tuple[tuple[str, str, Callable[[Any], None], dict[str, Any]], ...] = (
    ("review", "cards.csv", look_at_field, {"viewport": {"width": 1280, "height": 720}}),
    ("review-page", "cards.csv", look_around, {"viewport": {"width": 1280, "height": 720}, "color_scheme": "dark"}),
    ("review-grid", "all.csv", look_at_grid, {"viewport": {"width": 1280, "height": 720}}),
    ("review-tablet", "cards.csv", look_at_field, {"viewport": {"width": 820, "height": 1180}, "has_touch": True}),
)
"""What each picture is called, the results, what to do first, and the kind of screen."""


if __name__ == "__main__":
    make_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "img")
