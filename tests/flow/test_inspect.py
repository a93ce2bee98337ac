"""One picture a stage, drawn over the page that was inspected."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from docproc.errors import InputError, LedgerError
from docproc.flow.drawing import GREEN, LONGEST, ORANGE, TEAL
from docproc.flow.inspect import inspect
from docproc.options import Options, Recipe
from docproc.types import NEUTRAL, Crops, Frames, Gray, Joint, Line, PageRef

STAGES = ["1-scan", "2-clean", "3-rulings", "4-fields", "5-cuts", "6-crops", "7-reading"]
SHEETS = {"6-crops"}
"""Pictures that are not of the page's shape."""
RECIPE = Recipe(Options(max_error=1), "digest", NEUTRAL)


def classify(crops: Crops) -> Joint:
    probs = np.full((len(crops), 11), 0.001, np.float32)
    probs[:, 7] = 0.99
    return np.stack([probs / 2, probs / 2], 1)


def read_lines(lines: Sequence[Line]) -> tuple[Frames, ...]:
    """A second reader that reads 7777 wherever it looks."""
    return (np.eye(13, dtype=np.float32)[[7, 10] * 4],) * len(lines)


def see_nothing(lines: Sequence[Line]) -> tuple[Frames, ...]:
    """A second reader that disputes everything."""
    return (np.eye(13, dtype=np.float32)[[10] * 8],) * len(lines)


def save(path: Path, picture: Gray) -> PageRef:
    Image.fromarray(picture).save(path, dpi=(300, 300))
    return PageRef(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1)


def form(height: int = 700, width: int = 900) -> Gray:
    page = np.full((height, width), 250, np.uint8)
    cv2.rectangle(page, (100, 200), (360, 290), 20, 3)
    for digit, x, y in (("4", 120, 266), ("0", 170, 270), ("7", 220, 264), ("1", 280, 269)):
        cv2.putText(page, digit, (x, y), cv2.FONT_HERSHEY_DUPLEX, 2, 40, 3)
    return page


def holds(picture: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool((np.abs(picture.astype(int) - color).max(2) < 30).any())


def test_each_stage_is_a_picture_of_the_page(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "pictures"
    paths = inspect(save(tmp_path / "form.png", form()), RECIPE, classify, read_lines, out)
    assert [path.stem for path in paths] == STAGES
    assert sorted(out.iterdir()) == sorted(paths)
    pictures = {path.stem: cv2.imread(str(path)) for path in paths}
    for name, picture in pictures.items():
        assert picture is not None, name
        assert max(picture.shape[:2]) <= LONGEST
        assert picture.std() > 0, name
        if name not in SHEETS:
            assert picture.shape[1] / picture.shape[0] == pytest.approx(900 / 700, rel=0.02)
    assert holds(pictures["3-rulings"], ORANGE)
    assert holds(pictures["4-fields"], TEAL)
    assert holds(pictures["7-reading"], GREEN)
    assert len(np.unique(pictures["5-cuts"].reshape(-1, 3), axis=0)) > 3


def test_reading_for_review_is_orange(tmp_path: Path) -> None:
    paths = inspect(save(tmp_path / "form.png", form()), RECIPE, classify, see_nothing, tmp_path)
    picture = cv2.imread(str(paths[-1]))
    assert picture is not None
    assert holds(picture, ORANGE)
    assert not holds(picture, GREEN)


def test_blank_page_has_all_pictures_too(tmp_path: Path) -> None:
    ref = save(tmp_path / "blank.png", np.full((400, 300), 255, np.uint8))
    assert len(inspect(ref, RECIPE, classify, read_lines, tmp_path / "out")) == len(STAGES)


def test_strip_has_all_pictures(tmp_path: Path) -> None:
    recipe = Recipe(Options(strips=True), "digest", NEUTRAL)
    ref = save(tmp_path / "strip.png", form()[210:280, 110:350])
    assert len(inspect(ref, recipe, classify, read_lines, tmp_path / "out")) == len(STAGES)


def test_page_that_cannot_be_read_is_an_error_with_advice_and_writes_nothing(tmp_path: Path) -> None:
    save(tmp_path / "form.png", form())
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes((tmp_path / "form.png").read_bytes()[:-500])
    ref = PageRef(str(damaged), hashlib.sha256(damaged.read_bytes()).hexdigest(), 1)
    with pytest.raises(InputError, match=r"damaged\.png.*scan or copy it again"):
        inspect(ref, RECIPE, classify, read_lines, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pictures_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    ref = save(tmp_path / "page.png", form())
    for out in (tmp_path / "page.png", tmp_path / "page.png" / "look"):
        with pytest.raises(LedgerError, match="choose another --out"):
            inspect(ref, RECIPE, classify, read_lines, out)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(LedgerError, match=r"1-scan.png: File too large"):
            inspect(ref, RECIPE, classify, read_lines, tmp_path / "look")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
