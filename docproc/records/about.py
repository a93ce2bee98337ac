"""Recipes in words: what readings were made with, and what sets two apart."""

from __future__ import annotations

import json
from collections.abc import Mapping

from docproc.records.ledger import Ledger, speaking

UNKNOWN = "options that are not noted"
SHORT = 8
"""Letters of a digest that people compare."""


def find_about(ledger: Ledger, recipe: str) -> str:
    """What the ledger notes of a recipe, as JSON; "{}" where it notes nothing."""
    with speaking(ledger.name):
        row = ledger.connection.execute("SELECT about FROM recipes WHERE key = ?", (recipe,)).fetchone()
    return "{}" if row is None else str(row[0])


def tell_recipe(about: str) -> str:
    """A recipe in one line; options stand there if they are not what they are by default."""
    from docproc.options import Options

    told = _parse(about)
    if not told:
        return UNKNOWN
    usual = Options.model_validate({}).model_dump()
    parts = [f"docproc {told.get('docproc', '?')}", f"model {_short(told.get('model'))}"]
    parts += [f"form {name} ({_short(digest)})" for name, digest in _items(told, "forms")]
    parts += [f"{name} {_show(value)}" for name, value in _items(told, "options") if usual.get(name) != value]
    return ", ".join(parts)


def tell_differences(before: str, after: str) -> tuple[str, ...]:
    """What sets one recipe apart from a later one, each in a few words."""
    old, new = _parse(before), _parse(after)
    if not old or not new:
        return (UNKNOWN,)
    lines = [
        f"{title} {_short(old.get(key))} -> {_short(new.get(key))}"
        for key, title in (("docproc", "docproc"), ("model", "model"))
        if old.get(key) != new.get(key)
    ]
    was, is_ = dict(_items(old, "options")), dict(_items(new, "options"))
    for name in sorted({*was, *is_}):
        if was.get(name) != is_.get(name):
            lines.append(f"option {name} {_show(was.get(name))} -> {_show(is_.get(name))}")
    had, has = dict(_items(old, "forms")), dict(_items(new, "forms"))
    for name in sorted({*had, *has}):
        if name not in has:
            lines.append(f"without form {name}")
        elif name not in had:
            lines.append(f"with form {name}")
        elif had[name] != has[name]:
            lines.append(f"form {name} was changed")
    return tuple(lines) or ("nothing that is noted",)


def _parse(about: str) -> Mapping[str, object]:
    try:
        told = json.loads(about)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _items(told: Mapping[str, object], key: str) -> list[tuple[str, object]]:
    part = told.get(key)
    return list(part.items()) if isinstance(part, dict) else []


def _short(value: object) -> str:
    text = str(value if value is not None else "?")
    return text[:SHORT] if len(text) > 2 * SHORT else text


def _show(value: object) -> str:
    return "unset" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
