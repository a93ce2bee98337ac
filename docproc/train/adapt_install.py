"""The models of a site in one folder: each has a folder with a number, and a small file says which is used.

    site/current                 "2"
    site/0/digits.safetensors …  the model that the site began with
    site/1/ …, site/2/ …         what was learned since

Only `current` is ever replaced, whole or not at all, so that a run finds the one model or the other.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from docproc.errors import LedgerError, ModelError
from docproc.recognize.classifier import find_weights
from docproc.recognize.line_reader import NAME
from docproc.recognize.models import load_models
from docproc.recognize.weights import CURRENT, DIGITS, find_shipped
from docproc.records.atomic import replace_file
from docproc.train.modelfile import amend_card

LINES = f"{NAME}.safetensors"
FORMER = "former"
"""The entry of a card that names the model which was in use before."""
ADVICE = "check the folder's permissions and its disk, or choose another --model"


def find_model(site: Path) -> Path | None:
    """The model that a site uses, None where it has none of its own yet. Raises ModelError where it is no folder."""
    if site.is_file():
        raise ModelError(f"{site} is a file; name a folder that takes the models of this site")
    own = site / CURRENT, site / DIGITS
    return site if any(path.is_file() for path in own) else None


def install(weights: Path, site: Path) -> Path:
    """Copy a model into a site's folder and switch to it; returns its weights there.

    The model that the site uses now, the shipped one if it has none, stays as it is. Raises LedgerError where the
    folder cannot be written.
    """
    try:
        site.mkdir(parents=True, exist_ok=True)
        former = number_of(site)
        if former is None:
            former = next_number(site)
            _place(find_weights(find_model(site)), site, former)
        number = next_number(site)
        amend_card(weights, {FORMER: former})
        placed = _place(weights, site, number)
    except OSError as error:
        raise LedgerError(f"cannot put a model into {site}: {error.strerror or error}; {ADVICE}") from error
    load_models(placed, "cpu")
    switch(site, number)
    return placed


def go_back(site: Path) -> tuple[int, int]:
    """Switch a site to the model that was in use before; returns the numbers of both, the one left first.

    Raises ModelError where there is none, or it cannot be used.
    """
    number = number_of(site) if find_model(site) else None
    if number is None:
        raise ModelError(f"{site} has no former model to go back to; adapt it first, or check --model")
    card = find_weights(site).with_suffix(".json")
    try:
        former = json.loads(card.read_text(encoding="utf-8")).get(FORMER)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"cannot read {card}: {error}; write the number of another model into {site / CURRENT}") from (
            error
        )
    if not isinstance(former, int) or isinstance(former, bool) or former < 0:
        raise ModelError(
            f"{site} uses the model that it began with; there is none before it, so keep it or adapt again"
        )
    load_models(site / str(former) / DIGITS, "cpu")
    switch(site, former)
    return number, former


def switch(site: Path, number: int) -> None:
    """Use the model with this number from now on."""
    replace_file(site / CURRENT, lambda stream: stream.write(f"{number}\n".encode()))
    if os.name == "posix":
        (site / CURRENT).chmod(0o644)


def number_of(site: Path) -> int | None:
    """The number of the model in use; None where models have no numbers yet."""
    return int(find_weights(site).parent.name) if (site / CURRENT).is_file() else None


def next_number(site: Path) -> int:
    """A number that no model of the site has."""
    return max([-1, *(int(path.name) for path in site.iterdir() if path.name.isascii() and path.name.isdecimal())]) + 1


def find_lines(weights: Path) -> Path:
    """The reader of rows that goes with weights, the shipped one if none lies beside them."""
    beside = weights.with_name(LINES)
    return beside if beside.is_file() else find_shipped(NAME)


def _place(weights: Path, site: Path, number: int) -> Path:
    """Copy weights, card and reader of rows to the model's folder, which is there whole or not at all."""
    part = site / f"{number}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for source, name in ((weights, DIGITS), (find_lines(weights), LINES)):
        shutil.copyfile(source, part / name)
        shutil.copyfile(source.with_suffix(".json"), (part / name).with_suffix(".json"))
    for path in part.iterdir():
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
    part.rename(site / str(number))
    return site / str(number) / DIGITS
