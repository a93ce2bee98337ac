"""Every option that can change an answer, declared once: TOML, `--set`, defaults, bounds, hash."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from docproc import __version__
from docproc.errors import OptionsError
from docproc.types import Calibration, Form

MOST_PASSWORD_BYTES = 65_536
MOST_PASSWORDS = 100
"""Each is tried on every locked PDF, and newer PDFs make a trial costly on purpose."""


class Options(BaseModel):
    """How pages are read. Bounds are part of the declaration; a value outside them is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strips: bool = Field(False, description="each image is one field already cut out")
    max_error: float = Field(0.005, gt=0, le=1, description="expected share of wrong values among accepted ones")
    style: Literal["auto", "american", "european"] = Field(
        "auto", description="how 1 and 7 are written: inferred from each page's digits, or known"
    )
    render_dpi: int = Field(300, ge=72, le=1200, description="resolution at which drawn PDF pages are rasterized")
    max_megapixels: float = Field(200, gt=0, le=4000, description="largest page that is decoded")
    max_pages: int = Field(20000, ge=1, description="most pages read from one file")
    page_seconds: float = Field(60, gt=0, description="time limit of one page in a worker")
    worker_megabytes: int = Field(4096, ge=512, description="memory limit of one worker")
    passwords: tuple[str, ...] = Field((), exclude=True, repr=False, description="tried on locked PDFs, in this order")
    """No part of a recipe, and never shown or written: it can open a document but not change what stands in it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run reads with; never changes during it. The digest of the model covers its calibration."""

    options: Options
    model_digest: str
    calibration: Calibration
    forms: tuple[Form, ...] = ()

    @property
    def key(self) -> str:
        """Hash of all that can change an answer: hex, 16 characters."""
        forms = [form.digest for form in self.forms]
        text = json.dumps([__version__, self.options.model_dump(), self.model_digest, forms], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def about(self) -> str:
        """What the key stands for, as a JSON object for people who ask later what changed."""
        told = {
            "docproc": __version__,
            "model": self.model_digest,
            "options": self.options.model_dump(),
            "forms": {form.name: form.digest for form in self.forms},
        }
        return json.dumps(told, sort_keys=True)


def load_options(file: Path | None = None, settings: tuple[str, ...] = (), **given: object) -> Options:
    """Options from a TOML file, then `name=value` settings, then what the command line gave (None: not given)."""
    values: dict[str, object] = {}
    if file is not None:
        try:
            values.update(tomllib.loads(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise OptionsError(f"cannot use options file {file}: {error}; mend it and run again") from error
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise OptionsError(f"--set {setting}: write name=value")
        values[name.strip()] = value.strip()
    if "passwords" in values:
        raise OptionsError("passwords are no reading option, where others would see them; use --password-file FILE")
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, item['loc'])) or 'options'}: {item['msg']}" for item in error.errors()]
        names = ", ".join(name for name, field in Options.model_fields.items() if not field.exclude)
        raise OptionsError("options are wrong:\n" + "\n".join(lines) + f"\nknown options: {names}") from error


def read_passwords(file: Path) -> tuple[str, ...]:
    """The passwords in a file, one a line, each once; blank lines count for nothing. Raises OptionsError."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_PASSWORD_BYTES + 1)
        if len(data) > MOST_PASSWORD_BYTES:
            raise OptionsError(
                f"{file} has more than {MOST_PASSWORD_BYTES} bytes; name a file of passwords, one a line"
            )
        lines = re.split("\r\n|\n|\r", data.decode("utf-8-sig"))
    except OSError as error:
        raise OptionsError(f"cannot read {file}: {error.strerror}; name a file of passwords, one a line") from error
    except UnicodeDecodeError as error:
        raise OptionsError(f"{file} is not UTF-8 ({error.reason}); save it as UTF-8, a password a line") from None
    passwords = tuple(dict.fromkeys(line for line in lines if line.strip()))
    if not passwords:
        raise OptionsError(f"{file} holds no password; write one a line")
    if len(passwords) > MOST_PASSWORDS:
        raise OptionsError(f"{file} holds {len(passwords)} passwords; at most {MOST_PASSWORDS} are tried")
    return passwords
