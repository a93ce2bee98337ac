"""Knobs in a file: what a search found, for a training to take up."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from docproc.errors import OptionsError
from docproc.train.fit import Knobs

SHARES = ("average", "smoothing", "attack")
"""Knobs that are shares or grey levels: none of them is above 1."""


def load_knobs(path: Path) -> Knobs:
    """Knobs from a TOML file; those it does not name keep their defaults. Raises OptionsError, which names the key."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionsError(f"cannot use the knobs of {path}: {error}; mend the file and run again") from error
    return make_knobs(values, path)


def make_knobs(values: Mapping[str, object], source: Path) -> Knobs:
    """Knobs from names and values that `source` states. Raises OptionsError, which names the key."""
    kinds = get_type_hints(Knobs)
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name not in kinds:
            raise OptionsError(f"{source}: no knob is called {name}; use {', '.join(kinds)}")
        if not _is_possible(name, kinds[name], value):
            raise OptionsError(f"{source}: {name} = {value!r} is not possible; write {_describe(name, kinds[name])}")
        chosen[name] = kinds[name](value) if kinds[name] is float else value
    return Knobs(**chosen)


def save_knobs(knobs: Knobs, names: Iterable[str], path: Path, heading: str) -> None:
    """Write the named knobs as TOML under a line of comment."""
    lines = [f"{name} = {json.dumps(getattr(knobs, name))}" for name in names]
    path.write_text("\n".join([f"# {heading}", *lines]) + "\n", encoding="utf-8")


def _is_possible(name: str, kind: Any, value: object) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if kind is int:
        return isinstance(value, int) and value >= _least(name)
    return 0 <= value <= (1 if name in SHARES else math.inf) and math.isfinite(value)


def _describe(name: str, kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(kind))
    if kind is int:
        return f"a whole number of at least {_least(name)}"
    return "a number from 0 to 1" if name in SHARES else "a number of at least 0"


def _least(name: str) -> int:
    return 0 if name == "seed" else 1
