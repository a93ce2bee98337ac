"""Machine print as glyphs."""

from __future__ import annotations

from docproc.train.data import LOOK_ALIKES
from docproc.train.fonts import FACES, printed_glyphs
from docproc.types import NOT_A_DIGIT


def test_every_face_has_its_ten_digits() -> None:
    glyphs = printed_glyphs(digits=True)
    assert len(glyphs) == 10 * len(FACES)
    assert all(glyph.name == str(glyph.label) for glyph in glyphs)
    for face in FACES:
        bitmaps = {g.label: g.bitmap for g in glyphs if g.writer == f"print/{face}" and g.bitmap is not None}
        assert set(bitmaps) == set(range(10))
        assert len({bitmap.tobytes() for bitmap in bitmaps.values()}) == 10
        assert all(bitmap.max() > 200 and min(bitmap.shape) > 5 for bitmap in bitmaps.values())


def test_letters_are_no_digit_to_any_eye() -> None:
    glyphs = printed_glyphs(digits=False)
    assert {glyph.label for glyph in glyphs} == {NOT_A_DIGIT}
    assert not {glyph.name for glyph in glyphs} & LOOK_ALIKES
    assert {"A", "k", "%"} <= {glyph.name for glyph in glyphs}
