"""Names of fields from the print beside them, read by Tesseract where that is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from docproc.fields.draft import Drafted
from docproc.fields.form import RESERVED
from docproc.types import Box, Gray

COMMAND = "tesseract"
SECONDS = 10.0
"""A label takes a fifth of a second."""
MARGIN = 12
"""Pixels of white around a label: without some Tesseract misses letters."""
FEWEST_LETTERS = 2
LONGEST_NAME = 40


class Name(NamedTuple):
    """The name of a field, and whether it came from the print beside it."""

    text: str
    from_label: bool


def name_fields(gray: Gray, drafted: Sequence[Drafted], taken: Sequence[str] = ()) -> tuple[Name, ...]:
    """A name for each field, like none in `taken`: its label in small letters, or `field_07` where none can be read."""
    read: dict[Box, str] = {}
    names: list[Name] = []
    for _, labels in drafted:
        for label in labels:
            if label not in read:
                read[label] = read_label(gray, label)
        name = "_".join(filter(None, (make_name(read[label]) for label in labels)))[:LONGEST_NAME].strip("_")
        used = {*RESERVED, *taken, *(other.text for other in names)}
        number = len(taken) + len(names) + 1
        names.append(Name(make_unique(name or f"field_{number:02}", used), bool(name)))
    return tuple(names)


def has_reader() -> bool:
    """Whether labels can be read at all."""
    return shutil.which(COMMAND) is not None


def read_label(gray: Gray, box: Box) -> str:
    """What a label says, "" where nothing could be read."""
    command = shutil.which(COMMAND)
    if command is None:
        return ""
    crop = np.pad(gray[box.y : box.bottom, box.x : box.right], MARGIN, constant_values=255)
    done, data = cv2.imencode(".png", crop)
    try:
        ended = subprocess.run(
            [command, "stdin", "stdout", "--psm", "7"],
            input=data.tobytes(),
            capture_output=True,
            timeout=SECONDS,
            check=True,
            # One line of print is done before more threads have started.
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout.decode("utf-8", "replace").strip() if done else ""


def make_name(label: str) -> str:
    """A label as a name: `Vital signs: Temp:` is temp."""
    parts = [to_snake(part) for part in label.split(":")]
    told = [part for part in parts if sum(map(str.isalpha, part)) >= FEWEST_LETTERS]
    return told[-1] if told else ""


def to_snake(text: str) -> str:
    """Letters and digits, small, plain, joined by underscores; the apostrophe of a genitive leaves no gap."""
    plain = unicodedata.normalize("NFKD", text.replace("'", "").replace("\u2019", ""))
    return re.sub(r"[^a-z0-9]+", "_", "".join(c for c in plain if not unicodedata.combining(c)).lower()).strip("_")


def make_unique(name: str, used: set[str]) -> str:
    """The name, numbered where it is taken."""
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name}_{number}"
    return free
