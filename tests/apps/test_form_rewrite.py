"""What stands in a form file stays there when a page saves it."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from typing import Any

import pytest

from docproc.apps.formedit.rewrite import rewrite, to_plain
from tests.apps.conftest import CARD

ORIGINS: dict[str, list[int | None]] = {"field": [0, 1, 2, 3], "rule": [0]}


@pytest.fixture
def tables() -> dict[str, Any]:
    return deepcopy(tomllib.loads(CARD))


def test_what_is_not_changed_stays_to_the_letter(tables: dict[str, Any]) -> None:
    assert rewrite(CARD, tables, ORIGINS) == CARD


def test_comments_stay_where_values_change(tables: dict[str, Any]) -> None:
    tables["field"][1]["box"] = [1, 2, 3, 4]
    tables["field"][2]["required"] = True
    del tables["field"][3]["page"]
    changed = rewrite(CARD, tables, ORIGINS)
    assert "box = [1, 2, 3, 4]  # measured\n" in changed
    assert "maximum = 20\nrequired = true\n# minimum = 1\n\n[[field]]" in changed
    assert changed.startswith("# The card of 2026.\n")
    assert tomllib.loads(changed) == tables


def test_fields_come_and_go_with_their_comments(tables: dict[str, Any]) -> None:
    del tables["field"][0]
    tables["field"].insert(1, {"name": "fresh", "box": [5, 5, 5, 5]})
    tables["field"].reverse()
    changed = rewrite(CARD, tables, {"field": [3, 2, None, 1], "rule": [0]})
    assert tomllib.loads(changed) == tables
    assert "printed by the office" not in changed
    assert '# minimum = 1\n\n[[field]]\nname = "fresh"\nbox = [5, 5, 5, 5]\n\n[[field]]' in changed


def test_first_sum_and_last_sum(tables: dict[str, Any]) -> None:
    rule = tables.pop("rule")[0]
    without = rewrite(CARD, {**tables, "rule": []}, {"field": [0, 1, 2, 3], "rule": []})
    assert tomllib.loads(without) == tables
    again = rewrite(without, {**tables, "rule": [rule]}, {"field": [0, 1, 2, 3], "rule": [None]})
    assert again == CARD


@pytest.mark.parametrize(
    "text",
    [
        'name = "a"\nreference = "b"\nfield = [{name = "x", box = [1, 2, 3, 4]}, {name = "y"}]\n',
        'name = """\n[[field]]\n"""\n\n[[field]]\nname = "x"\n[[field]]\nname = "y"\n[field.extra]\nday = 2026-01-02',
        '[[rule]]\nsum = ["x"]\n[[field]]\nname = "x"\n[[rule]]\nsum = []\n[[ field ]] # y\n"name" = "y"',
        'field = []\nname = "a"',
        '\n\n[[field]]\nname = "x"\nodd = inf\n\n\n[[field]]\nname = "y"',
    ],
)
def test_unusual_files_keep_their_values(text: str) -> None:
    tables = to_plain(tomllib.loads(text))
    origins = {kind: list(range(len(tables.get(kind, ())))) for kind in ("field", "rule")}
    if tables["field"]:
        assert to_plain(tomllib.loads(rewrite(text, tables, origins))) == tables
        tables["field"][0]["name"] = "new"
        tables["field"].append(tables["field"].pop(0))
        origins["field"].append(origins["field"].pop(0))
    tables["field"].append({"name": "z"})
    saved = rewrite(text, tables, {**origins, "field": [*origins["field"], None]})
    assert to_plain(tomllib.loads(saved)) == tables
