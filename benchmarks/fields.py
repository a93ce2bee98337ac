"""How many of the known fields of real pages are located: `python benchmarks/fields.py DATA_DIR [FILTER]`.

DATA_DIR holds `pages/truth.csv`. A field counts as found if it covers half of the true box and is no larger than three
of it, or lies in the true box by 70 % and spans half its width: true boxes of strings on a line include free paper.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
import pypdfium2
from PIL import Image

from docproc.clean.page import clean
from docproc.fields.locate import locate
from docproc.types import Box, CleanPage, Field, Page, PageRef

PDF_DPI = 200
A4_INCH = 11.69


class Place(NamedTuple):
    """A true field in pixels of the clean page."""

    name: str
    low: np.ndarray
    high: np.ndarray


def load_pages(path: Path) -> Iterator[Page]:
    """Stored pages of one file, grey; a resolution that the file does not state is that of an A4 page."""
    if path.suffix == ".pdf":
        for number, sheet in enumerate(pypdfium2.PdfDocument(path), 1):
            gray = np.asarray(sheet.render(scale=PDF_DPI / 72).to_pil().convert("L"))
            yield Page(PageRef(str(path), "", number), gray, PDF_DPI)
    else:
        image = Image.open(path)
        gray = np.asarray(image.convert("L"))
        dpi = image.info.get("dpi", (max(gray.shape) / A4_INCH,))[0]
        yield Page(PageRef(str(path), "", 1), gray, float(dpi))


def true_places(rows: pd.DataFrame, page: CleanPage) -> list[Place]:
    """The known fields of a page, mapped to the clean page."""
    back = np.linalg.inv(page.to_scan)[:2]
    places = []
    for row in rows.itertuples():
        x, y, w, h = float(row.x), float(row.y), float(row.w), float(row.h)
        corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
        if row.quad:
            corners = np.array(row.quad.split(), float).reshape(4, 2)
        corners = corners @ back[:, :2].T + back[:, 2]
        places.append(Place(row.field, corners.min(axis=0), corners.max(axis=0)))
    return places


def is_found(place: Place, field: Field) -> bool:
    """Whether the field is the place, by the rule at the top."""
    box = field.box
    low, high = np.maximum(place.low, (box.x, box.y)), np.minimum(place.high, (box.right, box.bottom))
    if (high <= low).any():
        return False
    common, true, own = np.prod(high - low), np.prod(place.high - place.low), box.width * box.height
    if common >= 0.5 * true and own <= 3 * true:
        return True
    return bool(common >= 0.7 * own and high[0] - low[0] >= 0.5 * (place.high[0] - place.low[0]))


def draw(page: CleanPage, fields: tuple[Field, ...], path: Path) -> None:
    """Picture of the fields over the page, half size."""
    picture = cv2.cvtColor(page.gray, cv2.COLOR_GRAY2BGR)
    picture[page.ink] = 0
    colours = {"box": (0, 0, 255), "comb": (255, 0, 0), "cell": (0, 160, 0), "line": (200, 0, 200)}
    for field in fields:
        boxes: list[Box] = [field.box, *field.cells]
        for box in boxes:
            cv2.rectangle(picture, (box.x, box.y), (box.right, box.bottom), colours[field.kind], 3)
        cv2.putText(picture, field.name, (field.box.x, field.box.y - 4), 0, 1, colours[field.kind], 2)
    cv2.imwrite(str(path), cv2.resize(picture, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA))


def main(data: Path, wanted: str = "", pictures: str = "") -> None:
    """Print one line a page and one a folder."""
    cv2.setNumThreads(1)
    truth = pd.read_csv(data / "pages" / "truth.csv", dtype=str, keep_default_na=False)
    totals: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(5))
    for path in sorted((data / "pages").glob("*/*")):
        name = f"{path.parent.name}/{path.name}"
        if path.suffix not in {".pdf", ".jpg", ".jpeg", ".png"} or wanted not in name:
            continue
        for page in load_pages(path):
            start = time.process_time()
            tidy = clean(page, False)
            cleaned = time.process_time()
            fields = locate(tidy)
            located = time.process_time()
            rows = truth[(truth.file == name) & (truth.page == str(page.ref.number - 1))]
            places = true_places(rows, tidy)
            missed = [p for p in places if not any(is_found(p, field) for field in fields)]
            taken = sum(any(is_found(p, field) for p in places) for field in fields)
            line = np.array(
                [len(places) - len(missed), len(places), len(fields) - taken, cleaned - start, located - cleaned]
            )
            totals[path.parent.name] += np.append(line[:3], line[3:] * 1000)
            totals[path.parent.name + " pages"] += 1
            kinds = {kind: sum(field.kind == kind for field in fields) for kind in ("box", "comb", "cell", "line")}
            print(name, page.ref.number, f"{line[0]:.0f}/{line[1]:.0f}", kinds, *(p.name for p in missed), flush=True)
            if pictures:
                draw(tidy, fields, Path(pictures) / f"{name.replace('/', '_')}_{page.ref.number}.png")
    for folder, (found, total, extra, clean_ms, locate_ms) in totals.items():
        if not folder.endswith(" pages"):
            count = totals[folder + " pages"][0]
            print(
                f"{folder}: {found:.0f}/{total:.0f} found, {extra / count:.1f} others a page, "
                f"clean {clean_ms / count:.0f} ms, locate {locate_ms / count:.0f} ms a page"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
