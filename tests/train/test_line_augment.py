"""Rows are changed, by the seed, and stay rows."""

from __future__ import annotations

import pytest
import torch

from docproc.train import line_augment
from docproc.train.line_augment import distort_lines


def rows() -> torch.Tensor:
    """Bars on paper, the same in both planes."""
    lines = torch.zeros(40, 2, 32, 96)
    lines[:, :, 6:26, 20:76:10] = 1
    return lines


def distort(seed: int = 1) -> torch.Tensor:
    return distort_lines(rows(), torch.Generator().manual_seed(seed))


def test_every_row_changes_and_stays_in_bounds() -> None:
    changed = distort()
    assert changed.shape == rows().shape
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    assert all(not torch.equal(a, b) for a, b in zip(changed, rows(), strict=True))


def test_seed_decides() -> None:
    assert torch.equal(distort(1), distort(1))
    assert not torch.equal(distort(1), distort(2))


def test_ink_stays_where_it_was_but_for_a_little() -> None:
    ink = distort()[:, 1]
    seen = ink.sum((1, 2)) > 0
    middles = (ink * torch.arange(96)).sum((1, 2))[seen] / ink.sum((1, 2))[seen]
    assert float((middles - rows()[0, 1].sum(0).mul(torch.arange(96)).sum() / rows()[0, 1].sum()).abs().max()) < 12


@pytest.mark.parametrize(("share", "plane"), [("BARRED", 0), ("RULED", 0), ("SPECKLED", 0)])
def test_what_is_printed_or_noise_is_dark_but_no_ink(share: str, plane: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BARRED", "RULED", "SPECKLED"):
        monkeypatch.setattr(line_augment, name, 0.0)
    before = distort()
    monkeypatch.setattr(line_augment, share, 1.0)
    after = distort()
    assert float((after[:, plane] - before[:, plane]).abs().mean()) > 0.005
    assert torch.equal(after[:, 1], before[:, 1])


def test_ink_plane_is_hidden_now_and_then_and_never_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_augment, "BLIND", 1.0)
    hidden = distort()
    assert float(hidden[:, 1].max()) == 0
    assert float(hidden[:, 0].amax((1, 2)).min()) > 0.1


SHARES = ("THICKER", "THINNER", "COARSER", "SPECKLED", "BARRED", "RULED", "BLIND", "ERASED", "TRIMMED")


@pytest.mark.parametrize(("share", "ink"), [("THICKER", 2.0), ("THINNER", 0.5), ("ERASED", 1 - line_augment.GAP)])
def test_pen_is_wider_narrower_or_skips(share: str, ink: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars of one pixel: half of one three pixels wide comes to them, or half of themselves goes."""
    for name in SHARES:
        monkeypatch.setattr(line_augment, name, 0.0)
    before = distort()[:, 1].sum()
    monkeypatch.setattr(line_augment, share, 1.0)
    assert float(distort()[:, 1].sum() / before) == pytest.approx(ink, rel=0.1)
    assert float(distort()[:, 1].sum()) != float(before)


def test_coarse_scan_has_no_detail_between_its_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SHARES:
        monkeypatch.setattr(line_augment, name, 0.0)
    before = distort()[:, 1]
    monkeypatch.setattr(line_augment, "COARSER", 1.0)
    after = distort()[:, 1]
    jumps = [float((ink[:, :, 1:] - ink[:, :, :-1]).abs().max()) for ink in (before, after)]
    assert jumps[1] < 0.7 * jumps[0]
    assert float(after.sum()) == pytest.approx(float(before.sum()), rel=0.02)


def test_edge_of_the_field_cuts_into_the_first_or_the_last_stroke_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SCALE", "LEAN", "TURN", "SHIFT", "ELASTIC", *SHARES):
        monkeypatch.setattr(line_augment, name, 0.0)
    bars = rows().repeat_interleave(4, 3)  # bars of four columns
    whole = distort_lines(bars, torch.Generator().manual_seed(1))[:, 1].amax(1)
    monkeypatch.setattr(line_augment, "TRIMMED", 1.0)
    cut = distort_lines(bars, torch.Generator().manual_seed(1))[:, 1].amax(1)
    lost = (whole - cut).round()
    starts, ends = lost[:, :84].sum(1), lost[:, 280:].sum(1)
    assert not lost[:, 84:280].any()
    assert {(int(a), int(b)) for a, b in zip(starts, ends, strict=True)} == {(1, 0), (2, 0), (0, 1), (0, 2)}
