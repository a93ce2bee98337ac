"""Pictures encrypted at rest: what a key closes opens with it alone, in its own place alone, and unchanged alone."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docproc.errors import LedgerError
from docproc.records.ledger import begin, find_key, open_ledger, record, visit_ledger
from docproc.records.purge import seal_strips
from docproc.records.seal import KEEP_ALL, SEALED, KeepStrips, Place, Vault, load_key, make_key
from docproc.records.strips import count_plain, fetch_strip
from docproc.types import PageResult, Reading

PICTURE = b"\x89PNG a picture that nobody else may see"
HERE = Place("digest", "recipe", 1, 0)
Page = Callable[..., PageResult]
Make = Callable[..., Reading]


def test_a_key_file_is_for_its_owner_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "strips.key"
    made = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="there already"):
        make_key(path)
    assert path.read_bytes() == before
    assert load_key(path) == made
    assert make_key(tmp_path / "other.key") != made


@pytest.mark.parametrize("content", [b"", b"docproc-key-1 short=\n", b"\x00" * 5000, b"docproc-key-1 " + b"A" * 44])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "strips.key"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="is no key"):
        load_key(path)
    with pytest.raises(LedgerError, match="cannot read the key"):
        load_key(tmp_path / "none.key")


def test_without_the_library_a_key_is_refused_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(LedgerError, match=r"docproc\[encrypt\]"):
        make_key(tmp_path / "strips.key")
    assert list(tmp_path.iterdir()) == []


def test_what_is_closed_opens_in_its_place_alone(tmp_path: Path) -> None:
    seal = make_key(tmp_path / "strips.key")
    closed = seal.close(PICTURE, HERE)
    assert PICTURE not in closed
    assert seal.close(PICTURE, HERE) != closed
    assert seal.open(closed, HERE) == PICTURE
    assert seal.close(b"", HERE) == b""
    for elsewhere in (
        HERE._replace(digest="other"),
        HERE._replace(recipe="other"),
        HERE._replace(number=2),
        HERE._replace(position=1),
    ):
        with pytest.raises(LedgerError, match="changed or belongs elsewhere"):
            seal.open(closed, elsewhere)


def test_what_was_changed_or_cut_short_does_not_open(tmp_path: Path) -> None:
    seal = make_key(tmp_path / "strips.key")
    closed = seal.close(PICTURE, HERE)
    for spoilt in (closed[:-1], closed[:-1] + bytes([closed[-1] ^ 1]), SEALED, SEALED + b"x"):
        with pytest.raises(LedgerError, match="changed or belongs elsewhere"):
            seal.open(spoilt, HERE)


@pytest.mark.parametrize(
    ("keep", "kept"), [("all", [True, True]), ("flagged", [False, True]), ("none", [False, False])]
)
def test_only_wanted_pictures_are_kept(
    tmp_path: Path, make_page: Page, make_reading: Make, keep: KeepStrips, kept: list[bool]
) -> None:
    with open_ledger(tmp_path / "x.ledger", Vault(keep)) as ledger:
        run = begin(ledger, "recipe")
        sure = make_reading("a", strip=PICTURE)
        record(ledger, run, make_page("d", 1, sure, make_reading("b", strip=PICTURE, review=True)))
        assert [bool(fetch_strip(ledger, 1, position)) for position in (0, 1)] == kept
        assert fetch_strip(ledger, 1, 7) == b""


def test_a_ledger_keeps_no_plain_picture_beside_a_key(tmp_path: Path, make_page: Page, make_reading: Make) -> None:
    path = tmp_path / "x.ledger"
    seal = make_key(tmp_path / "strips.key")
    with open_ledger(path, Vault(seal=seal)) as ledger:
        record(ledger, begin(ledger, "recipe"), make_page("d", 1, make_reading("a", strip=PICTURE)))
        assert fetch_strip(ledger, 1, 0) == PICTURE
        assert find_key(ledger) == seal.fingerprint
        assert not any(PICTURE in file.read_bytes() for file in tmp_path.iterdir())


def test_an_encrypted_ledger_asks_for_its_own_key_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger"
    seal, other = make_key(tmp_path / "strips.key"), make_key(tmp_path / "other.key")
    with open_ledger(path, Vault(seal=seal)):
        pass
    with pytest.raises(LedgerError, match=f"encrypted with key {seal.fingerprint}; give its file"), open_ledger(path):
        pass
    for enter in (open_ledger, visit_ledger):
        with pytest.raises(LedgerError, match=f"key given is {other.fingerprint}"), enter(path, Vault(seal=other)):
            pass
    with visit_ledger(path) as ledger:
        assert find_key(ledger) == seal.fingerprint


def test_a_picture_that_is_closed_needs_the_key(tmp_path: Path, make_page: Page, make_reading: Make) -> None:
    path = tmp_path / "x.ledger"
    with open_ledger(path, Vault(seal=make_key(tmp_path / "strips.key"))) as ledger:
        record(ledger, begin(ledger, "recipe"), make_page("d", 1, make_reading("a", strip=PICTURE)))
    with visit_ledger(path) as ledger, pytest.raises(LedgerError, match="with --key"):
        fetch_strip(ledger, 1, 0)


def test_pictures_of_before_stay_readable_and_can_be_encrypted(
    tmp_path: Path, make_page: Page, make_reading: Make
) -> None:
    path = tmp_path / "x.ledger"
    with open_ledger(path) as ledger:
        record(ledger, begin(ledger, "recipe"), make_page("d", 1, make_reading("a", strip=PICTURE)))
    vault = Vault(seal=make_key(tmp_path / "strips.key"))
    with open_ledger(path, vault) as ledger:
        record(ledger, begin(ledger, "recipe"), make_page("d", 2, make_reading("a", strip=PICTURE)))
        assert [fetch_strip(ledger, page, 0) for page in (1, 2)] == [PICTURE, PICTURE]
        assert count_plain(ledger) == 1
        sealed = seal_strips(ledger)
        assert (sealed.strips, sealed.bytes, sealed.kept, sealed.held_by) == (1, len(PICTURE), 2, None)
        assert [fetch_strip(ledger, page, 0) for page in (1, 2)] == [PICTURE, PICTURE]
        assert count_plain(ledger) == 0
        assert not any(PICTURE in file.read_bytes() for file in tmp_path.iterdir())


def test_who_began_before_the_ledger_was_encrypted_adds_no_plain_picture(
    tmp_path: Path, make_page: Page, make_reading: Make
) -> None:
    path = tmp_path / "x.ledger"
    with open_ledger(path) as ledger:
        run = begin(ledger, "recipe")
    with visit_ledger(path) as older:
        record(older, run, make_page("digest", 1, make_reading(strip=PICTURE)))
        with open_ledger(path, Vault(seal=make_key(tmp_path / "strips.key"))) as ledger:
            assert seal_strips(ledger).strips == 1
        with pytest.raises(LedgerError, match="give its file with --key"):
            record(older, run, make_page("digest", 2, make_reading(strip=PICTURE)))
        assert count_plain(older) == 0


def test_the_vault_of_nobody_keeps_everything_as_it_is() -> None:
    assert KEEP_ALL.store(PICTURE, False, HERE) == PICTURE
    assert KEEP_ALL.fetch(PICTURE, HERE) == PICTURE
