"""Budget, audit, verify and certificate, as a person types them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docproc.apps.certificate import draw_bars, show_share, write_certificate
from docproc.apps.cli import app
from docproc.errors import DocprocError, LedgerError, UsageError
from docproc.flow.certificate import Bin
from docproc.records.corrections import add, list_since, read_state
from docproc.records.ledger import beside, visit_ledger
from docproc.records.matching import Answer, Purpose
from docproc.records.queue import Queue
from tests.apps.reviewed import FIELDS, Made, make_results

SURE = (Made("code", "40317", "40317"), Made("day", "7", "1"), Made("note", "", None))
"""Three accepted fields a page, of which the second is always read wrong."""


def ask(*arguments: str | Path) -> list[str]:
    """The lines that a command prints; raises the error that it ends with."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def key(results: Path, purpose: Purpose, truth: dict[str, Answer], who: str = "Ann") -> None:
    """Answer all that waits in a line by what is written."""
    with visit_ledger(beside(results)) as ledger:
        queue = Queue(ledger)
        for item in queue.take(who, purpose, 10_000):
            state = read_state(ledger, item)
            assert state is not None
            add(ledger, item, state.version, truth[state.place.field], who, purpose)


TRUTH = {made.name: Answer("value", made.written) if made.written else Answer("blank") for made in (*FIELDS, *SURE)}
READ = {made.name: Answer("value", made.read) if made.read else Answer("blank") for made in (*FIELDS, *SURE)}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_results(tmp_path, (*FIELDS, *SURE[1:]), pages=3)


@pytest.fixture
def sure(tmp_path: Path) -> Path:
    return make_results(tmp_path, SURE, pages=20)


def test_a_budget_tells_what_each_share_costs(results: Path) -> None:
    lines = ask("budget", results)
    assert lines[0] == "21 fields: 12 to look at as things stand, 0 settled by people"
    assert lines[1] == "a look takes 1.5 s, as usual"
    # 9 fields are looked at for their own doubts, count for its confidence, and 2 of 3 accepted ones are values
    (half,) = [line.split() for line in lines if line.endswith("(this run)")]
    assert half[:2] == ["0.5", "%"]
    offers = [line.split()[2:5] for line in lines if "%" in line]
    assert (offers[0], offers[-1]) == (["12", "0", "6"], ["18", "0", "0"])
    assert any(line.startswith("of each, 9 have doubts of their own") for line in lines)
    assert ask("budget", results, "--seconds", "60")[1] == "a look takes 60 s"
    assert [line.split()[3] for line in ask("budget", results, "--seconds", "60") if "this run" in line] == ["12"]


def test_a_budget_counts_what_is_done(results: Path) -> None:
    key(results, "review", TRUTH)
    lines = ask("budget", results)
    assert lines[0] == "21 fields: 0 to look at as things stand, 12 settled by people"
    assert [line.split()[2] for line in lines if "this run" in line] == ["0"]


def test_an_audit_from_the_sample_to_the_bound(sure: Path) -> None:
    lines = ask("audit", sure, "--sample", "30", "--seed", "3", "--who", "Ann")
    assert lines[0] == "audit 1: drew 30 of 60 accepted fields, seed 3"
    assert "before that nothing can be said" in ask("audit", sure, "--report")[1]
    key(sure, "audit", READ)
    lines = ask("audit", sure, "--report")
    assert lines[0] == "audit 1: 30 of 30 fields keyed, of 60 accepted"
    assert lines[1] == "0 of 30 were read wrong"
    assert lines[2] == (
        # 1 - 0.05^(1/30), rounded up
        "of all 60 at most 9.504 % are wrong, that is 5 (95 % sure, one-sided, Clopper-Pearson)"
    )
    assert lines[3] == "the likeliest share is 0 %, each name with its weight"
    assert len(lines) == 4
    lines = ask("audit", sure, "--sample", "10", "--seed", "3")
    assert lines[0].startswith("audit 2: drew 10 of 30 accepted fields")
    assert lines[1] == "it is sample 2 of these readings; the certificate says so"


def test_after_too_many_errors_less_is_accepted(sure: Path) -> None:
    ask("audit", sure, "--sample", "60", "--seed", "0", "--who", "Ann")
    with pytest.raises(UsageError, match="not keyed yet"):
        ask("audit", sure, "--tighten")
    key(sure, "audit", TRUTH)
    lines = ask("audit", sure, "--report")
    assert lines[1] == "20 of 60 were read wrong"
    assert lines[2] == "20 wait for a third look in docproc review, and count as wrong until then"
    assert lines[-1].startswith("more were wrong than the 0.5 % that the run was to accept")
    key(sure, "third", TRUTH, "Bob")
    assert not any("third look" in line for line in ask("audit", sure, "--report"))


def test_tightening_sends_more_to_people_and_is_done_once(tmp_path: Path) -> None:
    fields = (Made("day", "7", "1", sure=0.99), Made("code", "40317", "40317", sure=0.99999))
    results = make_results(tmp_path, fields, pages=40)
    ask("audit", results, "--sample", "40", "--seed", "0", "--who", "Ann")
    key(results, "audit", TRUTH)
    lines = ask("audit", results, "--tighten", "--who", "Ann")
    assert lines[0] == "values less sure than 0.99999 are to be looked at: 20 more fields"
    assert results.read_text().count("low-confidence") >= 20
    assert ask("audit", results, "--report")[-1].startswith("since then the threshold was raised")
    with pytest.raises(UsageError, match="draw a new sample"):
        ask("audit", results, "--tighten")
    key(results, "review", TRUTH)
    assert ask("audit", results, "--sample", "300", "--who", "Ann")[0].startswith("audit 2: drew 20 of 20 accepted")
    key(results, "audit", TRUTH)
    assert ask("audit", results, "--report")[1] == "0 of 20 were read wrong"
    with pytest.raises(UsageError, match="nothing needs to change"):
        ask("audit", results, "--tighten")
    with pytest.raises(UsageError, match="nothing is left to audit"):
        ask("audit", results, "--sample", "1")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "say one of"),
        (["--sample", "3", "--report"], "say one of"),
        (["--report", "--seed", "3"], "--seed goes with --sample"),
        (["--report"], "no sample was drawn"),
        (["--tighten"], "no sample was drawn"),
    ],
)
def test_an_audit_that_makes_no_sense_is_refused(sure: Path, given: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ask("audit", sure, *given)


def test_verify_says_that_all_is_well_or_where_it_is_not(results: Path) -> None:
    assert ask("verify", results) == ["all as it was written: corrections 0, audits 0"]
    key(results, "review", TRUTH)
    first, *_, last = ask("verify", results)
    assert first == "all as it was written: corrections 12, audits 0"
    head = last.removeprefix("last hash: ")
    assert ask("verify", results, "--head", head) == [first, last]
    with pytest.raises(LedgerError, match="no correction has the hash"):
        ask("verify", results, "--head", "0" * 64)
    with pytest.raises(UsageError, match="--head takes the hash"):
        ask("verify", results, "--head", "xyz")
    with visit_ledger(beside(results)) as ledger:
        ledger.connection.execute("DROP TRIGGER corrections_stay")
        ledger.connection.execute("UPDATE corrections SET text = '9' WHERE id = 5")
    with pytest.raises(LedgerError, match="correction 5 is not as it was written") as refused:
        ask("verify", results)
    assert refused.value.code == 6


def certify(results: Path) -> str:
    out = results.with_name("batch.html")
    ask("certificate", results, "--out", out)
    return out.read_text(encoding="utf-8")


def words(page: str) -> str:
    """What a person reads on a page."""
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_certificate_says_what_the_batch_came_to(results: Path) -> None:
    told = words(certify(results))
    assert "Not audited. 9 fields were accepted unseen." in told
    assert "Pages in 3 3 read, 0 failed" in told
    assert "Still to look at 12 flagged, and nobody looked" in told
    key(results, "review", TRUTH)
    ask("audit", results, "--sample", "6", "--who", "Ann")
    assert "The audit is not finished. 0 of 6 fields" in words(certify(results))
    key(results, "audit", READ, "Bob & <Son>")
    page = certify(results)
    told = words(page)
    assert "At most 39.31 % of the 9 accepted fields are wrong." in told  # 1 - 0.05^(1/6), rounded up
    assert "Settled by people 18 12 reviewed, 6 audited; 9 changed" in told
    assert "Ann 12 review 12" in told
    assert "Bob &amp; &lt;Son&gt; 6 audit 6" in told
    assert "6 read, is 5 3&times;" in told
    assert page.count("data:image/png;base64,") == 6  # of 126 read for 125, and 71 for 77
    with visit_ledger(beside(results)) as ledger:
        assert list_since(ledger)[-1].hash in told
    assert hashlib.sha256(results.read_bytes()).hexdigest() in told


def test_all_that_a_certificate_says_is_of_one_moment(results: Path) -> None:
    """Somebody answers all that waits while the certificate is gathered, after its first questions."""
    with visit_ledger(beside(results)) as ledger:
        asked: list[str] = []

        def answer_once(statement: str) -> None:
            asked.append(statement)
            if len(asked) == 5:
                ledger.connection.set_trace_callback(None)
                key(results, "review", TRUTH)

        ledger.connection.set_trace_callback(answer_once)
        found = write_certificate(ledger, results, results.with_name("batch.html"))
        assert (found.settled, found.waiting, found.chain.rows) == (0, 12, 0)
        found = write_certificate(ledger, results, results.with_name("batch.html"))
        assert (found.settled, found.waiting, found.chain.rows) == (12, 0, 12)


def test_a_certificate_needs_nothing_else_and_runs_nothing(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>-{}.png"
    page = certify(make_results(tmp_path, pages=1, source=name))
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;-1.png" in page
    assert re.findall(r"<script|<link|<iframe|@import|url\(|https?://(?!www\.w3\.org)", page) == []
    assert "default-src 'none'" in page
    assert all(source.startswith("data:image/png;base64,") for source in re.findall(r'src="([^"]*)"', page))


def test_a_certificate_of_a_broken_chain_says_so(results: Path) -> None:
    key(results, "review", TRUTH)
    with visit_ledger(beside(results)) as ledger:
        ledger.connection.execute("DROP TRIGGER corrections_stay")
        ledger.connection.execute("UPDATE corrections SET who = 'Cy' WHERE id = 1")
    with pytest.raises(LedgerError, match="the page says so, too"):
        certify(results)
    assert "Do not rely on this page." in words(results.with_name("batch.html").read_text())


def test_a_certificate_is_a_page(results: Path) -> None:
    for out in ("batch.pdf", "batch"):
        with pytest.raises(UsageError, match="name it something"):
            ask("certificate", results, "--out", results.with_name(out))
    with pytest.raises(DocprocError, match="does not exist"):
        ask("certificate", results, "--out", results.with_name("no") / "batch.html")


def test_shares_have_the_places_they_need() -> None:
    assert [show_share(share) for share in (0.5, 0.0123, 0.0099361, 0.0004, 0)] == [
        "50.0 %",
        "1.23 %",
        "0.994 %",
        "0.04 %",
        "0 %",
    ]
    assert show_share(1, 0) == "0 %"


def test_bars_can_be_seen_and_stay_inside() -> None:
    bars = draw_bars([Bin(0.0, 0, 0), Bin(0.5, 1, 0), Bin(0.95, 90_000, 10_000)])
    assert (bars[0].unseen, bars[0].seen) == (0, 0)
    assert bars[1].unseen >= 1
    assert bars[2].unseen + bars[2].seen == pytest.approx(150)
    assert bars[2].seen == pytest.approx(15)
