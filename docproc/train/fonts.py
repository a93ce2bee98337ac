"""Machine print as glyphs: fonts that come with matplotlib, so that the recipe needs nothing else installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from docproc.train.data import LOOK_ALIKES, Glyph
from docproc.types import NOT_A_DIGIT

FACES = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Bold",
    "STIXGeneral", "STIXGeneralBol", "cmr10", "cmss10", "cmtt10",
)  # fmt: skip
SIZE = 48
LETTERS = "".join(chr(code) for code in (*range(65, 91), *range(97, 123)) if chr(code) not in LOOK_ALIKES) + "%+=:;?&#*"


def printed_glyphs(digits: bool) -> tuple[Glyph, ...]:
    """Each face's digits, or its letters and signs that are no digit to any eye."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    glyphs = []
    for face in FACES:
        font = ImageFont.truetype(folder / f"{face}.ttf", SIZE)
        for character in "0123456789" if digits else LETTERS:
            image = Image.new("L", (2 * SIZE, 2 * SIZE))
            ImageDraw.Draw(image).text((SIZE // 2, SIZE // 4), character, fill=255, font=font)
            box = image.getbbox()
            if box is not None:
                label = int(character) if digits else NOT_A_DIGIT
                glyphs.append(Glyph(label, character, f"print/{face}", np.asarray(image.crop(box))))
    return tuple(glyphs)
