"""The review page beyond its queue, in a real browser: blind keying, third looks, audits, the grid, work elsewhere."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docproc.apps.local.server import Server, choose_place
from docproc.flow.audit import draw_sample
from docproc.records.audit import find_audit, keep_sample, list_judged, list_outcomes
from docproc.records.grid import measure_attention
from docproc.records.ledger import beside, visit_ledger
from docproc.records.queue import Keying
from tests.apps.reviewed import FIELDS, POST, Made, make_results, read_said, serve_review, tell_said

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect
Open = Callable[..., Any]
Docproc = Callable[..., "subprocess.Popen[bytes]"]
DIGITS = tuple(Made(f"d{number}", written, "7") for number, written in enumerate("7777177777"))
OTHERS = tuple(Made(f"o{number}", "8", "8", sure=0.9999) for number in range(4))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_results(tmp_path, (*FIELDS, *DIGITS, *OTHERS))


@pytest.fixture
def server(results: Path) -> Iterator[Server]:
    with serve_review(results, Keying(frozenset({"code"}), flagged=False)) as running:
        yield running


def go(page: Any, line: str) -> None:
    page.get_by_role("navigation").get_by_role("button", name=line).click()


def key(page: Any, text: str) -> None:
    for letter in text:
        page.keyboard.press(letter)
    page.keyboard.press("Enter")


def wait_for_end(page: Any) -> None:
    expect(page.get_by_role("heading", name="Nothing is left")).to_be_visible()
    page.evaluate(POST, ["/ask/keep", {"items": []}])  # behind the last answer


def test_second_keying_sees_no_first_value(sit: Open, results: Path) -> None:
    page = sit("Bob")
    go(page, "Second keying")
    expect(page.locator("#name")).to_have_text("code")
    expect(page.locator("#value")).to_have_text("")
    assert "40317" not in page.content()
    assert page.locator("#choices button, .digit").count() == 0
    page.keyboard.press("Enter")
    expect(page.locator("#spoken")).to_contain_text("Key a value first")
    key(page, "40317")
    wait_for_end(page)
    assert tell_said(results) == [("code", "second", "Bob", "40317")]


def test_disagreement_goes_to_a_third_look(sit: Open, results: Path) -> None:
    bob = sit("Bob")
    go(bob, "Second keying")
    expect(bob.locator("#name")).to_have_text("code")
    key(bob, "40377")
    wait_for_end(bob)
    cy = sit("Cy")
    go(cy, "Third look")
    expect(cy.locator("#name")).to_have_text("code")
    expect(cy.locator("#reasons")).to_contain_text("two answers differ")
    expect(cy.locator("#choices button")).to_have_count(2)
    assert "Bob" not in cy.content()
    cy.locator("#choices button", has_text="40317").click()
    wait_for_end(cy)
    assert tell_said(results)[-1] == ("code", "third", "Cy", "40317")


def test_audit_hides_the_value(sit: Open, results: Path) -> None:
    with visit_ledger(beside(results)) as ledger:
        accepted = [field for field in list_judged(ledger, "made") if not field.flagged]
        drawn = draw_sample(accepted, 3, 1)
        keep_sample(ledger, "made", "Ada", 1, len(accepted), 0.005, drawn)
    page = sit("Ada")
    go(page, "Audit")
    written = {made.name: made.written for made in (*FIELDS, *DIGITS, *OTHERS)}
    keyed: list[str] = []
    for _ in drawn:
        expect(page.locator("#name")).not_to_have_text(keyed[-1] if keyed else "count")
        expect(page.locator("#value")).to_have_text("")
        expect(page.locator("#reasons")).to_contain_text("what was read is not shown")
        keyed.append(page.locator("#name").text_content())
        key(page, written[keyed[-1]])
    wait_for_end(page)
    with visit_ledger(beside(results)) as ledger:
        audit = find_audit(ledger, "made")
        assert audit is not None
        assert [outcome.keyed for outcome in list_outcomes(ledger, audit)] == [True] * len(drawn)


def open_wall(page: Any, digit: str) -> None:
    go(page, "Grid")
    page.get_by_role("button", name=f"All that were read as {digit}").click()
    expect(page.locator("#tiles")).to_have_attribute("aria-label", f"Read as {digit}")


def find_odd(page: Any) -> list[int]:
    """The tiles whose ink is unlike that of most: perfect eyes. A 1 has little, an 8 much."""
    darkness = page.evaluate("""async () => {
        const tile = document.querySelector('.tile');
        const picture = new Image();
        picture.src = tile.style.backgroundImage.slice(5, -2);
        await picture.decode();
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [picture.width, picture.height];
        const pen = canvas.getContext('2d');
        pen.drawImage(picture, 0, 0);
        const side = picture.width / 12;
        return [...document.querySelectorAll('.tile')].map((_, number) => {
            const part = pen.getImageData(side * (number % 12), side * Math.floor(number / 12), side, side).data;
            return part.filter((value, place) => place % 4 === 0 && value < 90).length;
        });
    }""")
    usual = sorted(darkness)[len(darkness) // 2]
    return [number for number, count in enumerate(darkness) if abs(count - usual) > 0.1 * usual]


def test_grid_finds_what_is_odd_and_measures_attention(sit: Open, results: Path) -> None:
    page = sit("Ada")
    open_wall(page, "7")
    tiles = page.locator(".tile")
    # "age" was read as 7, "total" has one in 71, "code" has one; two are planted
    expect(tiles).to_have_count(len(DIGITS) + 3 + 2)
    odd = find_odd(page)
    for number in odd:
        tiles.nth(number).click()
    expect(page.locator("#judge-words")).to_contain_text(f"{len(odd)} go to the queue")
    page.keyboard.press("Enter")
    expect(page.locator("#judge-words")).to_contain_text("Is that so?")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_contain_text("You found 2 of 2 that were planted")
    with visit_ledger(beside(results)) as ledger:
        assert measure_attention(ledger, "Ada") == (2, 0)
    assert read_said(results) == [], "nothing of planted tiles becomes a correction"
    go(page, "Review")
    page.locator("#by-field").select_option("d4")
    expect(page.locator("#reasons")).to_contain_text("a person found a digit of it wrong")
    expect(page.locator("#name")).to_have_text("d4")


def test_grid_by_keyboard_with_the_right_digit_at_once(sit: Open, results: Path) -> None:
    page = sit("Ada")
    open_wall(page, "7")
    odd = find_odd(page)
    for number in range(page.locator(".tile").count()):
        expect(page.locator(".tile").nth(number)).to_be_focused()
        if number in odd:
            page.keyboard.press("1")
        elif number + 1 < page.locator(".tile").count():
            page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_contain_text("You found 2 of 2")
    # A field that was flagged anyway is not settled by one of its digits.
    assert tell_said(results) == [("d4", "grid", "Ada", "1")]


def test_who_does_not_look_is_told(sit: Open, results: Path) -> None:
    page = sit("Ada")
    open_wall(page, "7")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#judge-words")).not_to_contain_text("Is that so?")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_contain_text("You found 0 of 2 that were planted; 0 of 2 so far.")


def test_costs_are_shown_and_the_page_ends_the_server(sit: Open, server: Server) -> None:
    page = sit("Ada")
    page.get_by_role("button", name="What care costs").click()
    expect(page.locator("#offers tr")).to_have_count(5)
    expect(page.locator("#offers .borne")).to_contain_text("0.5 %")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.get_by_text("docproc has ended")).to_be_visible()
    assert server.closed.wait(5)


def test_who_logged_in_logs_out_and_another_takes_the_place(browser: Any, results: Path) -> None:
    path = results.parent / "passwords"
    path.write_text("Ada:correct horse\nBob:battery staple\n", encoding="utf-8")
    path.chmod(0o600)
    with (
        serve_review(results, place=choose_place(0, password_file=path)) as server,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.goto(server.address)
        for who, word in (("Ada", "correct horse"), ("Bob", "battery staple")):
            page.get_by_label("Your name").fill(who)
            page.get_by_label("Password").fill(word)
            page.keyboard.press("Enter")
            page.wait_for_selector("#desk:not([hidden])")
            assert page.locator("#end").is_hidden(), "nobody ends what others use"
            page.keyboard.press("Enter")
            expect(page.locator("#pace")).to_contain_text("3 left" if who == "Ada" else "2 left")
            page.get_by_role("button", name=who, exact=True).click()
            expect(page.get_by_label("Password")).to_be_visible()
    assert [row[2] for row in tell_said(results)] == ["Ada", "Bob"]


def export(docproc: Docproc, results: Path) -> Path:
    pile = results.parent / "pile.html"
    child = docproc("review", results, "--export", pile)
    out, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, b"")
    assert out.startswith(b"4 fields are in ")
    return pile


def merge(docproc: Docproc, results: Path, saved: Path) -> str:
    child = docproc("review", results, "--import", saved)
    out, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, b"")
    return str(out.decode())


def test_review_elsewhere_and_its_return(browser: Any, docproc: Docproc, results: Path) -> None:
    pile = export(docproc, results)
    saved = results.parent / "saved.json"
    asked: list[str] = []
    troubles: list[str] = []
    with browser.new_context(offline=True, accept_downloads=True) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.goto(pile.as_uri())
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        expect(page.locator("#name")).to_have_text("count")
        expect(page.locator(".paper img")).to_be_visible()
        assert page.evaluate("document.querySelector('.paper img').naturalWidth") == 400
        key(page, "5")
        expect(page.locator("#name")).to_have_text("weight")
        page.keyboard.press("b")
        page.keyboard.press("u")
        expect(page.locator("#name")).to_have_text("weight")
        page.keyboard.press("Enter")
        expect(page.locator("#pace")).to_contain_text("2 done · 2 left")
        page.reload()
        expect(page.locator("#name")).to_have_text("age")
        with page.expect_download() as download:
            page.get_by_role("button", name="Save corrections").click()
        download.value.save_as(saved)
        assert download.value.suggested_filename == "results.csv Ada.corrections.json"
    assert troubles == []
    assert [url for url in asked if not url.startswith(("data:", "blob:", pile.as_uri()))] == []
    assert merge(docproc, results, saved).startswith("2 corrections were taken, 0 were there already")
    assert merge(docproc, results, saved).startswith("0 corrections were taken, 2 were there already")
    assert tell_said(results) == [("count", "review", "Ada", "125"), ("weight", "review", "Ada", "12.5")]
    assert ",125," in results.read_text(encoding="utf-8")


def test_page_for_elsewhere_lets_nothing_in(docproc: Docproc, tmp_path: Path) -> None:
    results = make_results(tmp_path, FIELDS, source="<img src=x onerror=alert(1)></script>.png")
    text = export(docproc, results).read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert "unsafe" not in policy
    assert policy.startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "<img" not in text
    assert text.count("</script>") == 2
    assert re.findall(r"(?<!\w)(?:https?:)?//[a-z]+\.", text) == []


def test_answer_from_elsewhere_that_differs_goes_to_a_third_look(sit: Open, docproc: Docproc, results: Path) -> None:
    pile = json.loads(re.findall(r'id="pile">(.+?)</script>', export(docproc, results).read_text("utf-8"))[0])
    page = sit("Bob")
    key(page, "9")
    expect(page.locator("#name")).to_have_text("weight")
    page.evaluate(POST, ["/ask/leave", {}])
    count = pile["items"][0]
    said = [{"item": count["id"], "version": count["version"], "status": "value", "text": "126", "at": "2026-01-01"}]
    saved = results.parent / "saved.json"
    told = {"format": "docproc-corrections-1", "ledger": pile["ledger"], "who": "Ada", "said": said}
    saved.write_text(json.dumps(told), encoding="utf-8")
    assert "1 differ from what others said meanwhile" in merge(docproc, results, saved)
    cy = sit("Cy")
    go(cy, "Third look")
    expect(cy.locator("#name")).to_have_text("count")
    expect(cy.locator("#choices button")).to_have_text([re.compile("12[69]")] * 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "x"}, "is no file that a review page saved"),
        ({"ledger": "0" * 32}, "belongs to other results"),
        ({"who": ""}, "a reviewer's name is"),
        ({"said": 3}, "is no file that a review page saved"),
        ({"said": [{"item": "1"}]}, "is no file that a review page saved"),
        ({"said": [{"item": 1, "version": "", "status": "value", "text": "1" * 99}]}, "a value is at most 64"),
        (None, "is no file that a review page saved"),
    ],
)
def test_file_that_no_page_saved_is_refused(
    docproc: Docproc, results: Path, change: dict[str, Any] | None, words: str
) -> None:
    text = export(docproc, results).read_text("utf-8")
    ledger = json.loads(re.findall(r'id="pile">(.+?)</script>', text)[0])["ledger"]
    told = {"format": "docproc-corrections-1", "ledger": ledger, "who": "Ada", "said": []}
    saved = results.parent / "saved.json"
    saved.write_text("[" * 100_000 if change is None else json.dumps(told | change), encoding="utf-8")
    child = docproc("review", results, "--import", saved)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 2
    assert words in errors.decode()
    assert read_said(results) == []
