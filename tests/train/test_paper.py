"""What paper, scanner and phone do."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.train.paper import compress, fold, light, make_paper, photograph, scan, sprinkle, threshold, to_bytes

WHITE = (0.96, 0.96, 0.94)


def sheet(height: int = 200, width: int = 300) -> np.ndarray:
    return make_paper(np.random.default_rng(0), height, width, WHITE)


def test_paper_has_its_tone_and_a_grain() -> None:
    page = sheet()
    assert page.mean(axis=(0, 1)) == pytest.approx(WHITE, abs=0.02)
    assert 0.001 < page.std(axis=(0, 1)).max() < 0.03


def test_fold_darkens_only_near_the_crease() -> None:
    page = sheet(800, 100)
    creased = fold(page, 0.5)
    changed = np.abs(creased - page).mean(axis=(1, 2))
    assert changed[395:410].max() > 0.03
    assert changed[:300].max() < 0.005
    sideways = np.abs(fold(page.transpose(1, 0, 2), 0.5, horizontal=False) - page.transpose(1, 0, 2))
    assert sideways.mean(axis=(0, 2)) == pytest.approx(changed, abs=1e-5)


def test_scan_is_the_same_from_the_same_seed_and_turns_by_its_skew() -> None:
    one, moved = scan(np.random.default_rng(3), sheet(), 1.5)
    again, _ = scan(np.random.default_rng(3), sheet(), 1.5)
    assert np.array_equal(one, again)
    assert np.rad2deg(np.arctan2(moved[0, 1], moved[0, 0])) == pytest.approx(1.5)
    assert one[:, -2:].mean() < one[:, 100:200].mean() - 0.1


def test_effects_take_grey_and_colour_alike() -> None:
    grey = sheet()[:, :, 0]
    for picture in (grey, sheet()):
        rng = np.random.default_rng(1)
        for seen in (scan(rng, picture, 1.0)[0], light(rng, picture), sprinkle(rng, picture, 9), compress(picture, 40)):
            assert seen.shape == picture.shape
            assert seen.dtype == np.float32
            assert seen.min() >= 0
            assert seen.max() <= 1
        photo, _ = photograph(rng, picture, (320, 240))
        assert photo.shape[:2] == (240, 320)


def test_dust_is_dark_and_rare() -> None:
    page = sheet()
    dusty = sprinkle(np.random.default_rng(0), page, 30)
    changed = (np.abs(dusty - page).max(axis=2) > 0.1).mean()
    assert 0 < changed < 0.01
    assert np.all(dusty <= page)


def test_light_falls_off() -> None:
    lit = light(np.random.default_rng(0), np.ones((200, 200), np.float32), fall=0.4, noise=0)
    assert lit.max() - lit.min() > 0.25


def test_bilevel_keeps_paper_and_ink_apart() -> None:
    page = sheet()
    page[50:60] = 0.2
    paper = threshold(page)
    assert not paper[50:60].any()
    assert paper[:50].all()
    assert set(np.unique(to_bytes(paper.astype(np.float32)))) == {0, 255}
