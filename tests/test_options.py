"""Passwords open documents, change no answer and show nowhere."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from docproc.errors import OptionsError
from docproc.options import MOST_PASSWORD_BYTES, MOST_PASSWORDS, Options, Recipe, load_options, read_passwords
from docproc.types import NEUTRAL


def test_passwords_are_no_part_of_the_recipe_and_never_shown() -> None:
    given = load_options(passwords=("geheim",))
    assert given.passwords == ("geheim",)
    assert pickle.loads(pickle.dumps(given)).passwords == ("geheim",)
    recipe = Recipe(given, "model", NEUTRAL)
    assert recipe.key == Recipe(Options(), "model", NEUTRAL).key
    for shown in (repr(given), str(given), given.model_dump_json(), repr(recipe), recipe.about):
        assert "geheim" not in shown
        assert "password" not in shown


def test_passwords_elsewhere_than_in_their_file_are_refused_without_being_repeated(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text('passwords = ["geheim"]')
    for refused in ({"file": file}, {"settings": ("passwords=geheim",)}):
        with pytest.raises(OptionsError, match="--password-file") as raised:
            load_options(**refused)  # type: ignore[arg-type]
        assert "geheim" not in str(raised.value)
    with pytest.raises(OptionsError) as raised:
        load_options(settings=("colour=red",), passwords=("geheim",))
    assert "geheim" not in str(raised.value)
    assert "passwords" not in str(raised.value)


@pytest.mark.parametrize(
    ("data", "passwords"),
    [
        (b"one\ntwo", ("one", "two")),
        (b"\xef\xbb\xbfone\r\n\r\n  \r\ntwo \r\n", ("one", "two ")),
        ("ñandú\nñandú\r".encode(), ("ñandú",)),
        (b"#1\n a b", ("#1", " a b")),
    ],
)
def test_password_is_a_line(data: bytes, passwords: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "passwords.txt"
    file.write_bytes(data)
    assert read_passwords(file) == passwords


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no password"),
        (b"\n \n", "no password"),
        ("ñ".encode("latin-1"), "UTF-8"),
        (b"x" * (MOST_PASSWORD_BYTES + 1), "bytes"),
        (b"\n".join(b"%d" % number for number in range(MOST_PASSWORDS + 1)), "at most"),
    ],
)
def test_file_of_no_passwords_or_of_too_many_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "passwords.txt"
    file.write_bytes(data)
    with pytest.raises(OptionsError, match=reason):
        read_passwords(file)
    with pytest.raises(OptionsError, match="cannot read"):
        read_passwords(tmp_path)
