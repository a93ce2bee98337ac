"""The ways into docproc's pages in a real browser, and what pages of others make of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from docproc.apps.local.pages import build, read_part
from docproc.apps.local.server import Server, choose_place, serve

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


def page_of(request: Request) -> Response:
    return HTMLResponse(f"<!doctype html><title>own</title><p>{request.state.who} at {request.url.path}</p>")


APP = build(
    [
        Route("/", page_of),
        Route("/deep/1", page_of),
        Route("/a.js", lambda _: read_part("docproc.apps.local", "login.js")),
    ]
)


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(APP, choose_place(0, who="Ada")) as running:
        yield running


@pytest.fixture
def stranger(opened: Any) -> Iterator[Any]:
    """A page of a site that is none of ours, with whatever is put into it."""
    shown = [""]
    opened.route("http://evil.example/**", lambda route: route.fulfill(body=shown[0], content_type="text/html"))

    def show(html: str) -> None:
        shown[0] = html
        opened.goto("http://evil.example/")

    return show


def test_printed_address_leads_to_a_clean_one(opened: Any, server: Server) -> None:
    opened.goto(server.address)
    assert opened.url == f"http://127.0.0.1:{server.port}/"
    sync_api.expect(opened.locator("p")).to_have_text("Ada at /")
    opened.goto(f"http://127.0.0.1:{server.port}/deep/1")
    sync_api.expect(opened.locator("p")).to_have_text("Ada at /deep/1")
    assert opened.evaluate("document.cookie") == "", "no script may read it"


def test_printed_address_works_as_a_link_in_a_mail(opened: Any, server: Server, stranger: Any) -> None:
    stranger(f'<a href="{server.address}">open</a>')
    opened.get_by_text("open").click()
    sync_api.expect(opened.locator("p")).to_have_text("Ada at /")
    assert opened.url == f"http://127.0.0.1:{server.port}/"


def test_other_sites_show_and_ask_nothing(opened: Any, server: Server, stranger: Any) -> None:
    opened.goto(server.address)
    base = f"http://127.0.0.1:{server.port}"
    stranger(
        f'<iframe src="{base}/"></iframe>'
        f'<script src="{base}/a.js" onload="window.loaded = true" onerror="window.refused = true"></script>'
        f'<script>fetch("{base}/", {{ mode: "no-cors", credentials: "include" }}).then((reply) => reply.text())'
        '.then((text) => { window.text = text; }, () => { window.text = "failed"; })</script>'
    )
    opened.wait_for_function("window.refused && window.text !== undefined")
    assert "Ada at" not in opened.evaluate("window.text")
    assert opened.evaluate("window.loaded") is None
    assert len(opened.frames) == 2
    assert all("Ada at" not in frame.content() for frame in opened.frames)


def test_login_by_keyboard_leads_where_one_wanted_to_go(opened: Any, tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    path.write_text("Ada:correct horse\n", encoding="utf-8")
    path.chmod(0o600)
    with serve(APP, choose_place(0, password_file=path)) as server:
        opened.goto(f"{server.address}deep/1")
        sync_api.expect(opened.get_by_label("Your name")).to_be_focused()
        for word in ("wrong horse", "correct horse"):
            opened.get_by_label("Your name").fill("Ada")
            opened.get_by_label("Password").fill(word)
            opened.keyboard.press("Enter")
            if word.startswith("wrong"):
                sync_api.expect(opened.get_by_role("alert")).to_contain_text("do not go together; try again")
        sync_api.expect(opened.locator("p")).to_have_text("Ada at /deep/1")
        assert opened.url == f"{server.address}deep/1"
