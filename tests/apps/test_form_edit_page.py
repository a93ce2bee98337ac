"""The page of `docproc form edit` in a real browser, used as a person would."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docproc.apps.formedit.editor import Editor
from docproc.apps.local.server import Server, serve
from docproc.options import load_options

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

Box = list[int]


@pytest.fixture
def server(card_form: Path) -> Iterator[Server]:
    with serve(Editor(card_form, load_options()).app()) as running:
        yield running


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """The page, ready; it may ask nobody else, and no script of it may fail."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(20_000)
    opened = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(server.address)
    opened.wait_for_selector("body[data-ready]")
    yield opened
    assert errors == []
    assert [url for url in asked if not url.startswith((f"http://{server.names.own[0]}/", "data:,"))] == []
    assert opened.url == f"http://{server.names.own[0]}/"
    context.close()


def field(name: str) -> str:
    return f'.field[data-name="{name}"] .box'


def handle(edges: str) -> str:
    return f'.handle[data-edges="{edges}"]'


def drag(page: Any, start: tuple[float, float], by: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=3)
    page.mouse.up()


def middle(page: Any, selector: str) -> tuple[int, int]:
    """Of something that is drawn anew with every change: found and measured in one step."""
    script = (
        "s => { const r = document.querySelector(s).getBoundingClientRect(); return [r.x, r.y, r.width, r.height] }"
    )
    x, y, width, height = page.evaluate(script, selector)
    return round(x + width / 2), round(y + height / 2)


def place_of(page: Any) -> Box:
    """What the panel, which is drawn with the next frame, says of the selected field."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return [int(page.get_by_label(name, exact=True).input_value()) for name in ("x", "y", "width", "height")]


def control(page: Any, key: str) -> Any:
    return page.locator(f'#field [data-key="{key}"]')


def expect_state(page: Any, words: str) -> None:
    sync_api.expect(page.locator("#state")).to_contain_text(words)


def save(page: Any, path: Path) -> dict[str, dict[str, Any]]:
    """Save, and the fields of the file by name."""
    page.keyboard.press("Control+s")
    expect_state(page, f"saved {path}")
    return {table["name"]: table for table in tomllib.loads(path.read_text(encoding="utf-8"))["field"]}


def test_reference_is_shown_with_the_fields(page: Any) -> None:
    assert page.evaluate("document.getElementById('scan').getBBox().width") == 800
    assert page.locator(".field").count() == 3
    assert page.locator('.field[data-name="number"] .cell').count() == 3
    assert page.locator('.field[data-name="reading"] .cell').count() == 6
    page.get_by_role("button", name="Page 2").click()
    assert page.locator(".field").count() == 1
    assert page.locator("#scan").get_attribute("href") == "pages/2.png"


def test_field_is_moved_and_resized_with_the_mouse(page: Any, card_form: Path) -> None:
    page.get_by_role("button", name="100 %").click()
    drag(page, middle(page, field("reading")), (40, 20))
    assert place_of(page) == [140, 220, 240, 40]
    drag(page, middle(page, handle("se")), (60, 10))
    assert place_of(page) == [140, 220, 300, 50]
    drag(page, middle(page, handle("n")), (30, -10))
    assert place_of(page) == [140, 210, 300, 60]
    assert save(page, card_form)["reading"]["box"] == [140, 210, 300, 60]


def test_single_cells_move_and_scale_with_their_field(page: Any, card_form: Path) -> None:
    page.get_by_role("button", name="100 %").click()
    drag(page, middle(page, field("number")), (10, 5))
    drag(page, middle(page, handle("e")), (120, 0))
    saved = save(page, card_form)["number"]
    assert saved["cells"] == [[110, 105, 120, 40], [230, 105, 120, 40], [350, 105, 120, 40]]
    assert "box" not in saved


def test_field_is_drawn_and_named(page: Any, card_form: Path) -> None:
    page.get_by_role("button", name="100 %").click()
    paper = page.locator("#paper").bounding_box()
    drag(page, (paper["x"] + 500, paper["y"] + 100), (120, 60))
    sync_api.expect(control(page, "name")).to_be_focused()
    page.keyboard.type("age")
    page.keyboard.press("Tab")
    control(page, "type").select_option("date")
    expect_state(page, "mistake")
    control(page, "format").fill("dd/mm/yy")
    page.keyboard.press("Tab")
    expect_state(page, "not saved yet")
    saved = save(page, card_form)
    assert saved["age"] == {"name": "age", "box": [500, 100, 120, 60], "type": "date", "format": "dd/mm/yy"}
    assert list(saved) == ["number", "reading", "people", "age", "total"]


def test_keyboard_alone_is_enough(page: Any, card_form: Path) -> None:
    page.locator("#paper").focus()
    for key in ("Tab", "Tab", "ArrowRight", "Shift+ArrowDown", "Control+ArrowLeft", "Control+Shift+ArrowDown"):
        page.keyboard.press(key)
    assert place_of(page) == [101, 210, 239, 50]
    page.keyboard.press("Enter")
    page.keyboard.type("meter")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    sync_api.expect(page.locator("#spoken")).to_contain_text("people, integer, field 3 of 4")
    page.keyboard.press("Tab")
    sync_api.expect(page.get_by_role("button", name="Page 2")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Delete")
    assert page.locator(".field").count() == 2
    page.keyboard.press("Control+z")
    saved = save(page, card_form)
    assert saved["meter"]["box"] == [101, 210, 239, 50]
    assert saved["people"]["maximum"] == 20
    rules = tomllib.loads(card_form.read_text(encoding="utf-8"))["rule"]
    assert rules == [{"sum": ["meter", "people"], "equals": "total"}], "sums follow a new name"


def test_nobody_is_kept_on_the_paper(page: Any) -> None:
    page.locator("#paper").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") != "paper"
    page.locator("#paper").focus()
    for _ in range(5):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") != "paper"


def test_undo_and_redo(page: Any) -> None:
    drag(page, middle(page, field("people")), (50, 50))
    after = place_of(page)
    assert after != [100, 300, 200, 40]
    page.keyboard.press("Control+z")
    sync_api.expect(control(page, "x")).to_have_value("100")
    expect_state(page, "nothing changed")
    page.keyboard.press("Control+y")
    sync_api.expect(control(page, "x")).to_have_value(str(after[0]))
    assert place_of(page) == after
    page.keyboard.press("Control+z")
    sync_api.expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_mistakes_stand_at_their_field_and_forbid_saving(page: Any, card_form: Path) -> None:
    before = card_form.read_bytes()
    page.get_by_role("button", name="people integer").click()
    page.get_by_label("minimum", exact=True).fill("thirty")
    page.keyboard.press("Tab")
    sync_api.expect(page.locator("#field .wrong-words", has_text="must be a number")).to_be_visible()
    page.get_by_role("button", name="number digits").click()
    page.keyboard.press("Control+s")
    sync_api.expect(page.get_by_label("minimum", exact=True)).to_be_focused()
    expect_state(page, "1 mistake")
    assert page.get_by_label("minimum", exact=True).get_attribute("aria-invalid") == "true"
    assert page.locator('.field.bad[data-name="people"]').count() == 1
    assert card_form.read_bytes() == before
    page.get_by_label("minimum", exact=True).fill("1")
    assert save(page, card_form)["people"]["minimum"] == 1


def test_conflict_asks_what_to_do(page: Any, card_form: Path) -> None:
    page.mouse.click(*middle(page, field("people")))
    page.keyboard.press("ArrowLeft")
    card_form.write_text(card_form.read_text(encoding="utf-8").replace("[100, 300", "[120, 300", 1), encoding="utf-8")
    page.keyboard.press("Control+s")
    page.get_by_role("button", name="Go on editing").click()
    assert "[120, 300" in card_form.read_text(encoding="utf-8")
    page.keyboard.press("Control+s")
    with page.expect_event("load"):
        page.get_by_role("button", name="Reload").click()
    page.wait_for_selector("body[data-ready]")
    expect_state(page, "nothing changed")
    page.mouse.click(*middle(page, field("people")))
    assert place_of(page)[0] == 120
    card_form.unlink()
    page.keyboard.press("Control+s")
    page.get_by_role("button", name="Overwrite").click()
    expect_state(page, f"saved {card_form}")
    assert "[120, 300" in card_form.read_text(encoding="utf-8")


def test_sums_are_edited(page: Any, card_form: Path) -> None:
    page.get_by_label("Take people out of sum 1").click()
    page.get_by_label("Add a field to sum 1").select_option("number")
    page.get_by_role("button", name="New sum").click()
    expect_state(page, "mistake")
    page.get_by_label("Delete sum 2").click()
    save(page, card_form)
    rules = tomllib.loads(card_form.read_text(encoding="utf-8"))["rule"]
    assert rules == [{"sum": ["reading", "number"], "equals": "total"}]


def test_save_and_close_ends_the_server(page: Any, server: Server, card_form: Path) -> None:
    page.mouse.click(*middle(page, field("people")))
    control(page, "name").fill("guests")  # still being typed
    page.get_by_role("button", name="Save and close").click()
    sync_api.expect(page.get_by_text("docproc has ended")).to_be_visible()
    assert server.closed.wait(5)
    assert 'name = "guests"' in card_form.read_text(encoding="utf-8")


def test_a_server_that_was_ended_is_told(page: Any, server: Server) -> None:
    page.route("**/check", lambda route: route.abort())
    page.reload()  # a page that is open may send a request past a route that is new
    page.wait_for_selector("body[data-ready]")
    page.mouse.click(*middle(page, field("people")))
    page.keyboard.press("ArrowLeft")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("docproc does not answer")


def test_form_of_a_hundred_fields(page: Any, card_form: Path) -> None:
    head = card_form.read_text(encoding="utf-8").partition("# printed")[0]
    places = [(40 * (number % 10), 30 * (number // 10)) for number in range(100)]
    fields = (f'[[field]]\nname = "f{n}"\nbox = [{x}, {y}, 36, 20]\ncells = 2\n' for n, (x, y) in enumerate(places))
    card_form.write_text(head + "\n".join(fields), encoding="utf-8")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.locator(".field").count() == 100
    page.get_by_role("button", name="100 %").click()
    drag(page, middle(page, field("f99")), (100, 100))
    assert save(page, card_form)["f99"]["box"] == [460, 370, 36, 20]


def test_text_of_a_file_is_no_script(page: Any, card_form: Path) -> None:
    page.mouse.click(*middle(page, field("people")))
    control(page, "name").fill("<img src=x onerror=alert(1)>")
    page.keyboard.press("Tab")
    expect_state(page, "not saved yet")
    assert page.locator("img").count() == 0
    assert "<img src=x onerror=alert(1)>" in save(page, card_form)


def test_every_control_has_a_name(page: Any, find_unnamed: Callable[[Any], list[str]]) -> None:
    page.get_by_role("button", name="number digits").click()
    assert find_unnamed(page) == []


@pytest.fixture
def find_unnamed() -> Callable[[Any], list[str]]:
    """Controls that a screen reader could not name."""
    script = """() => [...document.querySelectorAll('button, input, select, textarea')]
        .filter((node) => !node.labels?.length && !node.ariaLabel && !node.textContent.trim())
        .map((node) => node.outerHTML)"""
    return lambda page: list(page.evaluate(script))
