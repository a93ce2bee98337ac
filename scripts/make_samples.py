"""Make the folders of samples/ anew: documents as scanners and phones leave them, and what they say.

python scripts/make_samples.py [FOLDER]
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pikepdf
from PIL import Image

from docproc.train.draw import (
    Drawn,
    Written,
    draw_boxes,
    draw_comb_form,
    draw_letter,
    draw_slip,
    draw_tally,
    move_fields,
)
from docproc.train.paper import Picture, fold, photograph, scan, threshold, to_bytes, to_grey

COLUMNS = ("source", "page", "field", "value", "status", "x", "y", "width", "height")
Pages = list[tuple[Written, ...]]


def make_samples(folder: Path) -> None:
    """Every sample, each in its own folder."""
    for make in (make_comb, make_tally, make_boxes, make_photo, make_empty):
        name = make.__name__.removeprefix("make_")
        (folder / name).mkdir(parents=True, exist_ok=True)
        make(folder / name)


def make_comb(folder: Path) -> None:
    """Three water meter cards by three people, scanned grey into one PDF."""
    rng = np.random.default_rng(101)
    pictures, pages = [], []
    for seed, skew in ((1, 0.4), (11, -0.8), (22, 0.2)):
        picture, fields = lay_on_scanner(rng, draw_comb_form(seed), skew)
        pictures.append(encode_jpeg(to_grey(picture), 200, 55))
        pages.append(fields)
    save_pdf(folder / "meter-cards.pdf", pictures, 200)
    save_expected(folder / "expected.csv", "meter-cards.pdf", pages)
    make_form(folder / "meter-card.toml")


FIELDS = {
    "account": "cells = 8\nlength = 8\nrequired = true",
    "visit": 'cells = 8\ntype = "date"\nformat = "dd/mm/yyyy"',
    "reading": 'cells = 6\ntype = "integer"',
    "previous": 'cells = 6\ntype = "integer"',
    "people": 'cells = 2\ntype = "integer"\nmaximum = 40',
    "new_meter": "cells = 10\nlength = 10",
}
"""What the form says of the fields of the meter card, from top to bottom."""
TICKS = {"free": 56, "blocked": 76, "under_water": 103}
"""Where its places to tick are: millimetres from the left edge, at the height:"""
TICK_TOP, TICK_SIDE = 117.0, 4.0


def make_form(path: Path) -> None:
    """The form of the meter cards, with its blank beside it."""
    drawn = draw_comb_form(0, blank=True)
    Image.fromarray(threshold(drawn.picture)).save(path.with_name("blank.png"), dpi=(drawn.dpi, drawn.dpi))
    blocks = [f'name = "meter-card"\nreference = "blank.png"\ndpi = {drawn.dpi:g}\n']
    for field, (name, keys) in zip(drawn.fields, FIELDS.items(), strict=True):
        blocks.append(f'[[field]]\nname = "{name}"\nbox = {[*field.box]}\n{keys}\n')
    for name, left in TICKS.items():
        box = [round(side * drawn.dpi / 25.4) for side in (left, TICK_TOP, TICK_SIDE, TICK_SIDE)]
        blocks.append(f'[[field]]\nname = "{name}"\nbox = {box}\ntype = "mark"\n')
    path.write_text("\n".join(blocks), encoding="utf-8")


def make_tally(folder: Path) -> None:
    """A table of counts, scanned in colour."""
    rng = np.random.default_rng(102)
    drawn = draw_tally(6)
    folded = Drawn(fold(drawn.picture, 0.5), drawn.fields, drawn.dpi)
    picture, fields = lay_on_scanner(rng, folded, -0.6)
    (folder / "bird-count.jpg").write_bytes(encode_jpeg(picture, 150, 62))
    save_expected(folder / "expected.csv", "bird-count.jpg", [fields])


def make_boxes(folder: Path) -> None:
    """Two stock sheets, scanned bilevel into one G4 TIFF."""
    rng = np.random.default_rng(103)
    images, pages = [], []
    for seed, skew in ((11, 0.5), (5, -0.3)):
        picture, fields = lay_on_scanner(rng, draw_boxes(seed), skew)
        images.append(Image.fromarray(threshold(picture)))
        pages.append(fields)
    images[0].save(folder / "stock.tif", save_all=True, append_images=images[1:], compression="group4", dpi=(200, 200))
    save_expected(folder / "expected.csv", "stock.tif", pages)


def make_photo(folder: Path) -> None:
    """A delivery slip on a table, photographed askew in grey."""
    rng = np.random.default_rng(104)
    drawn = draw_slip(14)
    creased = fold(drawn.picture, 0.62)
    photo, moved = photograph(rng, creased, (1080, 1440), tilt=0.06, turn=2.5)
    (folder / "slip.jpg").write_bytes(encode_jpeg(to_grey(photo), 72, 72))
    save_expected(folder / "expected.csv", "slip.jpg", [move_fields(drawn.fields, moved)])


def make_empty(folder: Path) -> None:
    """A printed letter with a tick and a signature, and no number at all."""
    rng = np.random.default_rng(105)
    picture, fields = lay_on_scanner(rng, draw_letter(8), 0.3)
    (folder / "letter.jpg").write_bytes(encode_jpeg(to_grey(picture), 150, 55))
    save_expected(folder / "expected.csv", "letter.jpg", [fields])


def lay_on_scanner(rng: np.random.Generator, drawn: Drawn, skew: float) -> tuple[Picture, tuple[Written, ...]]:
    """The page after the scanner, and its fields there."""
    picture, moved = scan(rng, drawn.picture, skew)
    return picture, move_fields(drawn.fields, moved)


def encode_jpeg(picture: Picture, dpi: int, quality: int) -> bytes:
    """The picture as the bytes of a JPEG."""
    stream = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(stream, "JPEG", quality=quality, dpi=(dpi, dpi), optimize=True)
    return stream.getvalue()


def save_pdf(path: Path, pictures: list[bytes], dpi: int) -> None:
    """A PDF of one covering grey JPEG a page, as scanners make them."""
    pdf = pikepdf.new()
    for encoded in pictures:
        width, height = Image.open(io.BytesIO(encoded)).size
        image = pikepdf.Stream(pdf, encoded)
        image.Type, image.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        image.Width, image.Height, image.BitsPerComponent = width, height, 8
        image.ColorSpace, image.Filter = pikepdf.Name.DeviceGray, pikepdf.Name.DCTDecode
        wide, high = width * 72 / dpi, height * 72 / dpi
        page = pdf.add_blank_page(page_size=(wide, high))
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=image))
        page.Contents = pikepdf.Stream(pdf, f"q {wide:.2f} 0 0 {high:.2f} 0 0 cm /Scan Do Q".encode())
    pdf.save(path, deterministic_id=True)


def save_expected(path: Path, source: str, pages: Pages) -> None:
    """What a perfect reader of the document returns; a page without fields has one row that says so."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, fields in enumerate(pages, start=1):
            if not fields:
                writer.writerow((source, number, "", "", "blank", 0, 0, 0, 0))
            for order, field in enumerate(fields, start=1):
                status = "value" if field.digits else "blank"
                writer.writerow((source, number, order, field.digits, status, *field.box))


if __name__ == "__main__":
    make_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "samples")
