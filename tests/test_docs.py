"""The documentation says what the code does: codes, commands, options, columns, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from docproc.apps.cli import app
from docproc.errors import FAILURES, FLAGS, RETRIED, REVIEWED, Exit
from docproc.options import Options
from docproc.records.tables import LONG

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
MOST_PICTURE_BYTES = 200_000
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one of its own level or above."""
    level, _, _ = title.partition(" ")
    found = re.search(rf"^{re.escape(title)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no heading {title!r}"
    return found[1]


def table(text: str) -> list[list[str]]:
    """Cells of the first table of a text, its head left out."""
    lines = re.search(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
    assert lines is not None
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].splitlines()]
    return rows[2:]


def coded(cell: str) -> list[str]:
    return _CODE.findall(cell)


def commands() -> dict[str, set[str]]:
    """Every command and its options; those of a group are named after it, such as `models show`."""
    return {
        name: {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        for name, command in flatten(typer.main.get_command(app))
    }


def flatten(group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", found) for inner, found in flatten(command))
        else:
            yield name, command


def plain(text: str) -> str:
    return text.replace("`", "").rstrip(".").lower()


def test_errors_page_has_every_exit_code() -> None:
    rows = table(section(read("docs/errors.md"), "## Exit codes"))
    assert [(int(row[0]), *coded(row[1])) for row in rows] == [(int(code), code.name) for code in Exit]
    assert all(row[2] and row[3] for row in rows)


def test_errors_page_has_every_failure_with_its_remedy() -> None:
    rows = table(section(read("docs/errors.md"), "## Failures"))
    assert [coded(row[0]) for row in rows] == [[code] for code in FAILURES]
    assert [(plain(row[1]), plain(row[2])) for row in rows] == [(plain(m), plain(r)) for m, r in FAILURES.values()]
    assert {coded(row[0])[0] for row in rows if row[3] == "yes"} == RETRIED


def test_errors_page_has_every_flag_with_its_remedy() -> None:
    rows = table(section(read("docs/errors.md"), "## Flags"))
    assert [coded(row[0]) for row in rows] == [[flag] for flag in FLAGS]
    assert [(plain(row[1]), plain(row[2])) for row in rows] == [(plain(m), plain(r)) for m, r in FLAGS.values()]
    assert {coded(row[0])[0] for row in rows if row[3] == "yes"} == REVIEWED


def test_commands_page_has_every_command() -> None:
    assert commands()
    titles = re.findall(r"^## docproc (.+)$", read("docs/commands.md"), re.MULTILINE)
    assert sorted(titles) == sorted(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_commands_page_has_every_option_and_no_other(name: str) -> None:
    rows = table(section(read("docs/commands.md"), f"## docproc {name}"))
    told = {option.split()[0] for row in rows for option in coded(row[0]) if option.startswith("--")}
    assert told == commands()[name]


def test_commands_page_has_every_reading_option_with_its_default() -> None:
    rows = table(section(read("docs/commands.md"), "### Reading options"))
    told = {coded(row[0])[0]: (coded(row[1])[0], row[3]) for row in rows}
    assert told == {
        name: (str(field.default).lower(), field.description)
        for name, field in Options.model_fields.items()
        if not field.exclude
    }


def test_commands_in_the_pages_exist() -> None:
    used = {
        word
        for page in PAGES
        for word in re.findall(r"\bdocproc ([a-z]+)\b", "\n".join(shell(page.read_text("utf-8"))))
    }
    assert {"run", "inspect", "train", "evaluate"} <= used <= {name.split()[0] for name in commands()}


def shell(text: str) -> Iterator[str]:
    """The blocks of shell commands of a page."""
    yield from re.findall(r"^```sh$\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_readme_tells_the_columns_in_their_order() -> None:
    rows = table(section(read("README.md"), "## What the columns mean"))
    assert [name for row in rows for name in coded(row[0])] == list(LONG)
    assert all(row[1] for row in rows)


def test_readme_begins_with_the_two_commands() -> None:
    first, second, *_ = shell(read("README.md"))
    for block in (first, second):
        assert block.startswith("python3 -m venv .venv")
        assert "pip install -c constraints.txt" in block
    assert "docproc run samples/ --out results.csv" in first
    assert "scripts/test" in second


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        target, _, anchor = link.partition("#")
        goal = (page.parent / target).resolve() if target else page
        assert goal.exists(), link
        assert goal.is_relative_to(ROOT), link
        if anchor:
            titles = re.findall(r"^#+ (.+)$", goal.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}, (
                link
            )


def test_every_page_can_be_reached() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(read("docs/index.md"))}
    pages = set((ROOT / "docs").rglob("*.md")) - {index}
    assert pages
    assert {str(page.relative_to(ROOT)) for page in pages - linked} == set()


def test_pictures_are_small_and_used() -> None:
    pictures = set((ROOT / "docs" / "img").iterdir())
    shown = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in _LINK.findall(page.read_text("utf-8"))
        if "img/" in link
    }
    assert pictures == shown
    assert max(picture.stat().st_size for picture in pictures) < MOST_PICTURE_BYTES
