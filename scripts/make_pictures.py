"""Make the pictures of docs/img anew: what each stage sees on a sample page, small enough for a clone.

python scripts/make_pictures.py [FOLDER]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "samples" / "comb" / "meter-cards.pdf"
WIDTH = 960
"""Pixels: what a page of documentation shows without scaling."""
COLOURS = 96
"""Paper grain costs most of a PNG and shows nothing; so few colours, in even steps, flatten it."""


def make_pictures(folder: Path) -> None:
    """Run `docproc inspect` on the sample page and keep small copies of its pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "docproc.apps.cli", "inspect", str(PAGE), "--out", scratch, "--device", "cpu"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for path in sorted(Path(scratch).glob("*.png")):
            with Image.open(path) as picture:
                shrink(picture.convert("RGB")).save(folder / path.name, optimize=True)


def shrink(picture: Image.Image) -> Image.Image:
    """At most `WIDTH` pixels wide, in at most `COLOURS` colours."""
    small = picture.copy()
    small.thumbnail((WIDTH, 2 * WIDTH), Image.Resampling.LANCZOS)
    return small.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


if __name__ == "__main__":
    make_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "img")
