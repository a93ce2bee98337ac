"""The review page in a real browser, used as a person would; `test_review_modes.py` has what is not the queue."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docproc.apps.local.server import Server
from tests.apps.reviewed import FIELDS, POST, make_results, serve_review, tell_said

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect
Open = Callable[..., Any]
UNNAMED = """() => [...document.querySelectorAll('button, input, select')]
    .filter((node) => !node.labels?.length && !node.ariaLabel && !node.textContent.trim())
    .map((node) => node.outerHTML)"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_results(tmp_path)


@pytest.fixture
def server(results: Path) -> Iterator[Server]:
    with serve_review(results) as running:
        yield running


@pytest.fixture
def page(sit: Open) -> Any:
    return sit()


def see(page: Any, field: str, value: str) -> None:
    """The field on the screen, and its value."""
    expect(page.locator("#name")).to_have_text(field)
    expect(page.locator("#value")).to_have_text(value)


def wait_for_said(page: Any, count: int, results: Path) -> list[tuple[str, str, str, str]]:
    """All corrections, once the page has been told that its last one was kept."""
    page.wait_for_function("() => document.getElementById('undo').disabled === false")
    page.evaluate(POST, ["/ask/keep", {"items": []}])
    said = tell_said(results)
    assert len(said) == count
    return said


def test_keyboard_alone_clears_the_queue(page: Any, results: Path) -> None:
    see(page, "count", "126")
    expect(page.locator(".cell.at")).to_have_text("6")
    page.keyboard.press("5")
    see(page, "count", "125")
    page.keyboard.press("Enter")
    see(page, "weight", "12.5")
    page.keyboard.press("Enter")
    see(page, "age", "7")
    page.keyboard.press("b")
    see(page, "total", "71")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Nothing is left")).to_be_visible()
    assert wait_for_said(page, 4, results) == [
        ("count", "review", "Ada", "125"),
        ("weight", "review", "Ada", "12.5"),
        ("age", "review", "Ada", "blank"),
        ("total", "review", "Ada", "77"),
    ]


def test_cursor_stands_on_the_doubtful_digit_in_picture_and_value(page: Any) -> None:
    expect(page.locator(".digit.at.doubtful")).to_have_count(1)
    ink = page.locator(".digit.at").bounding_box()
    cell = page.locator(".cell.at").bounding_box()
    assert abs(ink["x"] + ink["width"] / 2 - cell["x"] - cell["width"] / 2) < 3, "the digit stands below its ink"
    assert cell["y"] > ink["y"]


def test_value_is_edited_by_keys(page: Any, results: Path) -> None:
    for key, value in (
        ("Home", "126"),
        ("9", "926"),
        ("ArrowRight", "926"),
        ("Backspace", "96"),
        ("Insert", "96"),
        ("4", "946"),
        ("End", "946"),
        (".", "946."),
        ("5", "946.5"),
        ("ArrowLeft", "946.5"),
        ("Delete", "946."),
        ("Backspace", "946"),
        ("k", ""),
        ("Escape", "126"),
        ("x", ""),
    ):
        page.keyboard.press(key)
        if key != "x":
            expect(page.locator("#value")).to_have_text(value)
    see(page, "weight", "12.5")
    assert wait_for_said(page, 1, results) == [("count", "review", "Ada", "unreadable")]


def test_nothing_keyed_is_no_answer(page: Any, results: Path) -> None:
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#spoken")).to_contain_text("Key a value first")
    see(page, "count", "")
    assert tell_said(results) == []


def test_undo_also_after_moving_on(page: Any, results: Path) -> None:
    for _ in range(2):
        page.keyboard.press("Enter")
    see(page, "age", "7")
    page.keyboard.press("u")
    see(page, "weight", "12.5")
    page.keyboard.press("u")
    see(page, "count", "126")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    see(page, "weight", "12.5")
    said = wait_for_said(page, 5, results)
    assert [row[1] for row in said] == ["review", "review", "withdrawn", "withdrawn", "review"]
    assert said[-1] == ("count", "review", "Ada", "125")


def test_arrows_lead_back_to_what_was_answered(page: Any, results: Path) -> None:
    page.keyboard.press("Enter")
    see(page, "weight", "12.5")
    page.keyboard.press("ArrowUp")
    see(page, "count", "126")
    expect(page.locator("#notice")).to_have_text("Ada said 126; another answer takes its place.")
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    see(page, "weight", "12.5")
    page.keyboard.press("ArrowDown")
    see(page, "age", "7")
    assert wait_for_said(page, 2, results)[-1] == ("count", "review", "Ada", "125")


def test_reasons_and_other_readings_are_in_words(page: Any) -> None:
    reasons = page.locator("#reasons")
    expect(reasons).to_contain_text("the reading is less sure than --max-error allows")
    expect(page.locator("#choices button").first).to_contain_text("31 %")
    for _ in range(3):
        page.keyboard.press("Enter")
    see(page, "total", "71")
    expect(reasons).to_contain_text("all would balance with total = 77")
    expect(page.locator("#choices button").first).to_contain_text("would balance")
    page.keyboard.press("Alt+2")
    expect(page.get_by_role("heading", name="Nothing is left")).to_be_visible()


def test_page_around_the_field_is_one_key_away(page: Any) -> None:
    page.keyboard.press("c")
    around = page.get_by_alt_text("The page around count, which is framed")
    expect(around).to_be_visible()
    page.keyboard.press("5")
    see(page, "count", "125")
    page.keyboard.press("c")
    expect(page.locator("body")).to_have_attribute("data-view", "whole")
    expect(around).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".paper img")).to_be_visible()
    see(page, "count", "125")


def test_file_that_is_gone_is_told(page: Any, results: Path) -> None:
    (results.parent / "sheet-1.png").unlink()
    page.keyboard.press("c")
    expect(page.locator("#context")).to_contain_text("the file was moved or deleted")


def test_next_fields_and_their_pictures_are_there_before_they_are_asked_for(page: Any) -> None:
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').filter((e) => e.name.includes('/strips/')).length")
    assert loaded == 4


def test_part_of_the_queue(page: Any) -> None:
    page.locator("#by-reason").select_option("sum-unmet")
    see(page, "total", "71")
    page.locator("#by-reason").select_option("")
    page.locator("#by-field").select_option("age")
    see(page, "age", "7")
    page.keyboard.press("b")
    expect(page.get_by_role("heading", name="Nothing more of this kind")).to_be_visible()
    page.locator("#by-field").select_option("")
    page.locator("#by-order").select_option("doubtful")
    see(page, "count", "126")


def test_progress_is_told(page: Any) -> None:
    expect(page.locator("#pace")).to_have_text("0 done · 4 left")
    page.keyboard.press("Enter")
    expect(page.locator("#pace")).to_have_text("1 done · 3 left")
    expect(page.locator("#bar")).to_have_attribute("aria-valuenow", "25")
    expect(page.locator("#lines button").first).to_have_text("Review3")


def test_two_reviewers_at_once(sit: Open, results: Path) -> None:
    ada, bob = sit("Ada"), sit("Bob")
    see(ada, "count", "126")
    expect(bob.get_by_role("heading", name="Others have the rest")).to_be_visible()
    ada.keyboard.press("Enter")
    see(ada, "weight", "12.5")
    wait_for_said(ada, 1, results)
    ada.close(run_before_unload=False)
    look_again_for(bob, "weight")
    see(bob, "weight", "12.5")
    for _ in range(3):
        bob.keyboard.press("Enter")
    expect(bob.get_by_role("heading", name="Nothing is left")).to_be_visible()
    assert {row[:3] for row in wait_for_said(bob, 4, results)} == {
        ("count", "review", "Ada"),
        ("weight", "review", "Bob"),
        ("age", "review", "Bob"),
        ("total", "review", "Bob"),
    }


def look_again_for(page: Any, field: str) -> None:
    """Ask for more until a field is there: that another has left is told by a page that is closing, in its own time."""
    while not page.get_by_role("heading", name=field).is_visible():
        page.get_by_role("button", name="Look again").click()
        expect(page.get_by_role("heading", name=re.compile(f"{field}|Others have the rest"))).to_be_visible()


@pytest.mark.parametrize("choice", ["Leave it so", "Look at it again"])
def test_field_that_another_answered_meanwhile(sit: Open, results: Path, choice: str) -> None:
    ada, bob = sit("Ada"), sit("Bob")
    see(ada, "count", "126")
    taking = {"purpose": "review", "count": 0, "order": "page", "after": None, "item": 1 << 20}
    item = bob.evaluate(POST, ["/ask/item", taking])["item"]
    bob.evaluate(POST, ["/ask/answer", taking | {"version": item["version"], "status": "value", "text": "129"}])
    ada.keyboard.press("5")
    ada.keyboard.press("Enter")
    expect(ada.locator("#conflict-words")).to_contain_text("Bob said 129")
    assert tell_said(results) == [("count", "review", "Bob", "129")]
    ada.get_by_role("button", name=choice).click()
    if choice == "Leave it so":
        see(ada, "weight", "12.5")
    else:
        see(ada, "count", "129")
        ada.keyboard.press("Enter")
        see(ada, "weight", "12.5")
        assert wait_for_said(ada, 2, results)[-1] == ("count", "review", "Ada", "129")


def test_server_that_was_ended_loses_no_answer(page: Any, results: Path) -> None:
    ended = True
    page.route("**/ask/answer", lambda route: route.abort() if ended else route.continue_())
    page.reload()  # a page that is open may send a request past a route that is new
    see(page, "count", "126")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("docproc does not answer")
    see(page, "count", "125")
    ended = False
    page.keyboard.press("Enter")
    see(page, "weight", "12.5")
    expect(page.get_by_role("alert")).to_be_hidden()
    assert wait_for_said(page, 1, results) == [("count", "review", "Ada", "125")]


def test_what_was_begun_meanwhile_is_kept_too(page: Any, results: Path) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/ask/answer", hold)
    page.reload()
    see(page, "count", "126")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    see(page, "weight", "12.5")
    page.keyboard.press("Home")
    page.keyboard.press("9")
    see(page, "weight", "92.5")
    held[0].abort()
    see(page, "count", "125")
    page.unroute("**/ask/answer")
    expect(page.locator("#spoken")).to_contain_text("Keyed as 1 2 5.")
    page.keyboard.press("Enter")
    see(page, "weight", "92.5")
    page.keyboard.press("Enter")
    see(page, "age", "7")
    assert [row[3] for row in wait_for_said(page, 2, results)] == ["125", "92.5"]


def test_fingers_are_enough(sit: Open, results: Path) -> None:
    page = sit("Ada", has_touch=True)
    page.set_viewport_size({"width": 820, "height": 1180})
    page.locator(".cell").first.tap()
    for name in ("4", "5", "6"):
        page.locator("#pad").get_by_role("button", name=name, exact=True).tap()
    see(page, "count", "456")
    page.get_by_role("button", name="Accept").tap()
    see(page, "weight", "12.5")
    page.get_by_role("button", name="Blank").tap()
    see(page, "age", "7")
    page.get_by_role("button", name="Undo").tap()
    see(page, "weight", "12.5")
    assert wait_for_said(page, 3, results)[0] == ("count", "review", "Ada", "456")


def test_keys_are_told(page: Any) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("5")
    page.keyboard.press("Escape")
    see(page, "count", "126")


def test_screen_readers_are_told(page: Any) -> None:
    expect(page.locator("#spoken")).to_have_text(
        "count, page 1. Read as 1 2 6. the reading is less sure than --max-error allows"
    )
    assert page.evaluate(UNNAMED) == []


def test_name_of_a_file_is_no_script(browser: Any, tmp_path: Path) -> None:
    results = make_results(tmp_path, FIELDS, source="<img src=x onerror=document.title='hit'>.png")
    with serve_review(results, title="<b>results</b>", who="<i>Ada</i>") as server, browser.new_context() as context:
        page = context.new_page()
        page.goto(server.address)
        page.wait_for_selector("body[data-ready]")
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowUp")
        expect(page.locator("#notice")).to_contain_text("<i>Ada</i> said 126")
        expect(page.locator("#place")).to_contain_text("<img src=x onerror")
        assert page.locator("img[src=x], i:has-text('Ada'), b:has-text('results')").count() == 0
        assert page.title().startswith("<b>results</b> ")
