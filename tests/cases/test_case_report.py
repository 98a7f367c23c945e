import base64
import io
import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.frozen_world import FrozenWorld
from cases.test_report import Page
from cases.worked_example import HOSTILE
from stillhunt.cases import case_report, proceedings, wording
from stillhunt.cases.bundle import Wanted, export
from stillhunt.cases.case_answers import answered
from stillhunt.cases.case_document import Document, Facts, Heading, Items, Picture, Quote, Table, Text, shown
from stillhunt.cases.case_hypotheses import HOW_TO_READ, MAX_EVIDENCE, MAX_HYPOTHESES, argued
from stillhunt.cases.case_pictures import heat_map
from stillhunt.cases.case_report import about, html_of, pdf_of, render_html, render_pdf, reports
from stillhunt.cases.case_telling import MOST_ACCOUNTS, About, told
from stillhunt.cases.case_timeline import Timeline
from stillhunt.cases.docket import Docket
from stillhunt.cases.questions import generated
from stillhunt.cli import main
from stillhunt.lake import Lake
from stillhunt.records.cases import Answer, Confidence, Credibility, Estimate, Hypothesis, Likelihood, Point, Reliability, Result
from stillhunt.verifier import parse_checkpoint, parse_note, verify_bundle

BY = "A. Nalyst"
NASTY = (
    *HOSTILE[:3],
    *HOSTILE[4:],
    "#panic()",
    '#"x"',
    "$ x^2 $",
    "*bold* _it_ [x] `raw`",
    "= heading",
    "\\ \" '",
    "// gone",
    "<label> @ref",
    "1. - + /",
)


def tight(text: str) -> str:
    return "".join(text.split())


def words_of(pdf: bytes) -> str:
    return tight("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages))


def answer(name: str = "one operator") -> Answer:
    return Answer(
        question="controlled",
        title="Who controlled the accounts?",
        summary="Very likely one hand.",
        hypotheses=[
            Hypothesis(
                name=name,
                statement="One hand controls them all.",
                likelihood=Likelihood.VERY_LIKELY,
                confidence=Confidence.MODERATE,
                source_reliability=Reliability.B,
                information_credibility=Credibility.POSSIBLY_TRUE,
                supports=[Point(text="one card", bits=4.25, reference="payment")],
                opposes=[Point(text="two clocks")],
                would_change=["a contract on record"],
            )
        ],
        estimates={"at_work": Estimate(value=60, low=58, high=66, unit="accounts", method="Chapman")},
        tables={"days": [{"day": "2026-03-02", "calls": n, "vacant": None} for n in range(40)]},
        notes=["No end-user ids."],
    )


@pytest.fixture(scope="module")
def docket(world: FrozenWorld, tmp_path_factory):
    """A closed case with a note, a redacted note and an exhibit."""
    folder = tmp_path_factory.mktemp("report")
    letter = folder / "letter.txt"
    letter.write_text("x")
    with Lake.open(world.lake) as lake, Docket.open(folder, create=True) as found:
        case_id = proceedings.open_case(found, lake, world.findings_bytes, world.findings.campaigns[0].campaign_id, BY).case_id
        proceedings.note(found, case_id, "ten accounts were read", BY)
        secret = proceedings.note(found, case_id, "an unspeakable secret", BY)
        proceedings.exhibit(
            found, case_id, letter, BY, title="A letter", reliability=Reliability.C, credibility=Credibility.DOUBTFUL, names="Example Ltd"
        )
        proceedings.redact(found, case_id, secret.number, "names a person", BY)
        proceedings.close(found, case_id, Result.CONFIRMED, "card and template agree", BY)
        yield found


@pytest.fixture(scope="module")
def case(docket):
    return docket.cases()[0]


@pytest.fixture(scope="module")
def said(case, material, docket) -> About:
    return about(case, material, [answer(), generated.answer(material)], docket.ledger)


@pytest.fixture(scope="module")
def html(said):
    return html_of(told(said))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture(scope="module")
def pdf(said):
    return pdf_of(told(said))


@pytest.fixture(scope="module")
def printed(pdf):
    return words_of(pdf)


# ---- what it says


def test_the_page_is_well_formed_and_refers_to_nothing_outside(page):
    assert page.open == []
    for tag, attributes in page.elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form", "base", "img", "image"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"href", "src", "xlink:href"}:
                assert (value or "").startswith("#part-")
    targets = {attributes.get("id") for _, attributes in page.elements}
    assert {(attributes["href"] or "")[1:] for tag, attributes in page.elements if tag == "a"} <= targets


def test_a_strict_policy_forbids_everything_but_styles(page):
    policies = [attributes.get("content") for tag, attributes in page.elements if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


@pytest.mark.parametrize(
    "sentence",
    [
        "card and template agree",  # the reason
        "confirmed",
        "very likely 80 to 95 % moderate B 3 1 / 1",  # four separate fields
        "one card (payment) +19",
        "two clocks −",
        "a contract on record 1",
        "95 %: 58 to 66",
        "ten accounts were read",
        "A letter",
        "Example Ltd",
        "What ties them",
        "The template, with its slots",
        "Is claimed by the provider",
        "No end-user ids.",
    ],
)
def test_html_and_pdf_both_say(sentence, page, printed):
    assert sentence in page.text
    assert tight(sentence) in printed


def rival(name: str, likelihood: Likelihood, supports: list[Point], opposes: list[Point], changes: list[str]) -> Hypothesis:
    base = answer().hypotheses[0]
    told = {"name": name, "likelihood": likelihood, "supports": supports, "opposes": opposes, "would_change": changes}
    return base.model_copy(update=told)


def test_what_speaks_for_one_and_against_another_is_told_once(said):
    for_it, against = Point(text="one queue serves all", bits=2.0), Point(text="one queue serves all", bits=-5.0)
    hypotheses = [
        rival("many hands", Likelihood.UNLIKELY, [], [against], ["a contract on record", "a second card"]),
        rival("one hand", Likelihood.LIKELY, [for_it], [Point(text="two clocks")], ["a contract on record"]),
    ]
    twice = answer().model_copy(update={"hypotheses": hypotheses, "notes": ["Clocks are taken as right."]})
    again = answer("another").model_copy(update={"notes": ["Clocks are taken as right.", "Only here."]})
    page = Page(html_of(told(About(said.case, said.findings, said.campaign, [twice, again], None, None))))
    for sentence in ("one queue serves all", "two clocks", "a second card", "Clocks are taken as right.", "Only here."):
        times = 2 if sentence == "two clocks" else 1  # each of the two answers has clocks
        assert page.text.count(sentence) == times
    assert page.text.count(HOW_TO_READ) == 1
    assert "one queue serves all +4 −32" in page.text, "the likeliest hypothesis comes first, as it is numbered"
    assert "a contract on record 1, 2" in page.text
    assert page.text.count("Very likely one hand.") == 2, "once for each answer, at the head of the report"


def test_evidence_that_weighs_nothing_or_was_not_weighed_has_a_sign_alone():
    light = rival("x", Likelihood.LIKELY, [Point(text="a", bits=0.01), Point(text="b")], [], [])
    table = next(block for block in argued([light]) if isinstance(block, Table))
    assert table.rows == [["a", "+1"], ["b", "+"]]


def test_of_many_hypotheses_and_pieces_of_evidence_the_weightiest_are_told():
    many = [
        rival(f"h{at}", Likelihood.UNLIKELY, [Point(text=f"e{at}.{n}", bits=float(n)) for n in range(9)], [], [])
        for at in range(MAX_HYPOTHESES + 3)
    ]
    blocks = argued(many)
    table = next(block for block in blocks if isinstance(block, Table))
    assert len(table.columns) == 1 + MAX_HYPOTHESES
    assert len(table.rows) == MAX_EVIDENCE
    assert sum(table.widths) == pytest.approx(1.0)
    rest = next(block.text for block in blocks if isinstance(block, Text) and "answers.json" in block.text)
    assert rest.startswith(f"{9 * MAX_HYPOTHESES - MAX_EVIDENCE} more pieces of evidence and what speaks for and against the other 3: ")


def test_accounts_of_a_case_are_a_line_each(said):
    blocks = told(said).blocks
    accounts = next(block for block in blocks if isinstance(block, Table) and block.columns[0] == "Account")
    assert accounts.columns[-1] == "Shares"
    assert not any("\n" in cell for row in accounts.rows for cell in row)
    shared = next(block for block in blocks if isinstance(block, Table) and block.columns[1] == "Shared observation")
    assert {letter for row in accounts.rows for letter in row[-1].split()} <= {row[0] for row in shared.rows}


def test_evidence_is_spoken_on_one_scale(page):
    assert page.text.count(wording.BY_CHANCE) == 1
    assert "log10" not in page.text
    assert "in bits" not in page.text
    assert "Median bits" not in page.text


def test_a_narrow_table_is_folded_and_loses_no_row():
    rows = [{"hour": at, "calls": 100 + at} for at in range(23)]
    table = next(
        block
        for block in answered(answer().model_copy(update={"tables": {"hours": rows}}))
        if isinstance(block, Table) and "hour" in block.columns
    )
    assert len(table.rows) < 10
    assert sum(table.widths) <= 1.0
    assert {cell for row in table.rows for cell in row} == {""} | {f"{one[key]:,}" for one in rows for key in one}
    assert len(table.columns) == len(table.kinds) == len(table.widths) == len(table.rows[0])


def test_html_and_pdf_have_the_same_sections_in_the_same_order(said, page, printed):
    sections = [tight(block.text) for block in told(said).blocks if isinstance(block, Heading) and block.level == 2]
    assert len(sections) > 10
    for whole in (tight(page.text), printed):
        at = whole.index("Ofevery")  # behind the list of sections
        for section in sections[1:]:
            at = whole.index(section, at) + len(section)


def test_what_was_redacted_is_shown_as_redacted_and_not_said(page, printed, html):
    assert "redacted: what it said is gone for good" in page.text
    assert "names a person" in page.text
    assert "unspeakable" not in html
    assert "unspeakable" not in printed


def test_the_ledger_is_told_as_it_stood_after_the_newest_event(said, case, docket, page):
    size = max(event.leaf for event in case.events) + 1
    checkpoint = parse_checkpoint(parse_note(docket.ledger.checkpoint(size)).text)
    assert (said.position.origin, said.position.size, said.position.root) == (checkpoint.origin, size, checkpoint.root.hex())
    assert checkpoint.root.hex() in page.text


def test_long_tables_are_cut_and_say_where_the_rest_is(page):
    assert "16 more rows: in the case's answers, and in answers.json of an evidence bundle." in page.text
    assert "vacant" not in page.text, "a column without a value is left out"


def test_every_picture_has_words_for_who_cannot_see_it(page, pdf):
    drawn = [attributes.get("aria-label") for tag, attributes in page.elements if tag == "svg"]
    assert len(drawn) == 4  # how likely, for two answers; calls by account; links
    assert all(drawn)
    assert pypdf.PdfReader(io.BytesIO(pdf)).metadata.title == "Campaign " + re.search(r"Campaign (\S+: \d+ accounts)", page.text).group(1)


# ---- the same each time


def test_the_same_case_gives_the_same_bytes(case, material, docket, html, pdf):
    answers = [answer(), generated.answer(material)]
    assert reports(case, material, answers, docket.ledger) == {"report.html": html.encode(), "report.pdf": pdf}
    before = docket.ledger.append("scan", {"of": "another case"})
    assert before
    assert render_html(case, material, answers, docket.ledger) == html, "later entries of the ledger change nothing"


def test_a_pdf_is_dated_by_the_case(pdf, case):
    assert f"{pypdf.PdfReader(io.BytesIO(pdf)).metadata.creation_date:%Y-%m-%d}" == case.events[-1].at[:10]


def test_a_case_without_calls_is_reported_without_them(case, frozen):
    html = render_html(case, frozen, [])
    assert "given up or are not there" in html
    assert "The four questions were not asked yet" in html
    assert "No ledger has recorded" in html
    assert render_pdf(case, frozen, []).startswith(b"%PDF-1.7")


# ---- large


def test_a_campaign_of_25_000_accounts_stays_a_small_file(said):
    base = said.campaign.accounts
    members = [base[n % len(base)].model_copy(update={"account_id": f"acct-{n:05d}"}) for n in range(25_000)]
    large = told(
        About(said.case, said.findings, said.campaign.model_copy(update={"accounts": members}), said.answers, said.timeline, said.position)
    )
    html = html_of(large)
    assert f"The {MOST_ACCOUNTS} surest of 25,000" in html
    assert len(html) < 5_000_000
    assert len(pdf_of(large)) < 5_000_000


# ---- hostile names


def small(text: str) -> Document:
    """One of each block, all made of `text`."""
    said = shown(text, 5_000)
    blocks = [Heading(said), Text(said), Items([said], "+"), Facts([(said, said)]), Quote([[(said, True), (said, False)]])]
    table = Table([said, "n"], ["named", "id"], [0.5, 0.5], [[f"{said}\n{said}", said]])
    drawn = heat_map(Timeline([text], np.array([[1, 2]]), 1_772_409_600_000_000, 1))
    return Document(said, "brand", said, "2026-03-02", said, [*blocks, table, Picture(said, said, drawn, said)])


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_a_hostile_name_is_text_on_the_page_and_on_paper(text):
    plain, hostile = (html_of(small(one)) for one in ("a", text))
    assert [tag for tag, _ in Page(hostile).elements] == [tag for tag, _ in Page(plain).elements]
    assert Page(hostile).titles[0] == f"brand: {shown(text, 5_000)}"
    assert words_of(pdf_of(small(text))).count(tight(shown(text, 5_000))) >= 8


MARKUP = "#$*_[]\\\"'`<>@=/-+~{}()&;:!\u202e\u200b\u2028\x00\x1b\n ab1é"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters() | st.sampled_from(MARKUP), min_size=1))
def test_no_name_becomes_markup_on_the_page(text):
    plain, hostile = (html_of(small(one)) for one in ("a", text))
    assert [tag for tag, _ in Page(hostile).elements] == [tag for tag, _ in Page(plain).elements]
    assert not any(unicodedata.category(c) in {"Cf", "Cc", "Cs"} for c in hostile if c != "\n")


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=MARKUP, min_size=1, max_size=60))
def test_no_name_becomes_markup_on_paper(text):
    assert words_of(pdf_of(small(text))).count(tight(shown(text, 5_000))) >= 8


def test_no_word_runs_off_the_paper_however_long():
    ends: list[float] = []

    def look(operator, operands, page, text):
        if operator in {b"Tj", b"TJ"}:
            glyphs = sum(len(one) // 2 for one in (operands[0] if operator == b"TJ" else operands) if isinstance(one, bytes))
            ends.append(page[4] + text[4] + 3 * glyphs)  # a zero is wider than 3 pt in every size that is used

    for page in pypdf.PdfReader(io.BytesIO(pdf_of(small("0" * 2_000)))).pages:
        page.extract_text(visitor_operand_before=look)
    assert len(ends) > 100
    assert max(ends) < 595 - 50, "nothing is set in the right margin"


def test_letters_that_no_font_has_are_spelled_out(monkeypatch):
    asked = []

    def without_system_fonts(plain, *, own_fonts):
        asked.append(own_fonts)
        return real(plain, own_fonts=True)

    real = case_report._set
    monkeypatch.setattr(case_report, "_set", without_system_fonts)
    printed = words_of(pdf_of(small("帐户")))
    assert printed.count("<U+5E10><U+6237>") >= 10
    assert "帐" not in printed
    assert asked == [True, False, True]


# ---- the command


def test_the_command_writes_what_its_suffix_says(docket, case, tmp_path: Path, capsys):
    lake = str(docket.folder.parent)
    for name, begins in (("r.html", b"<!DOCTYPE html>"), ("r.pdf", b"%PDF-")):
        assert main(["case", "report", case.case_id, "--lake", lake, "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(begins)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert main(["case", "report", case.case_id, "--lake", lake, "-o", str(tmp_path / "r.doc")]) == 2
    assert "FILE.html or FILE.pdf" in capsys.readouterr().err


def test_a_bundle_encloses_both_as_the_case_stood(docket, case, material):
    stood = docket.case(case.case_id)
    bundle, _ = export(docket, case.case_id, [answer()], Wanted(most=0), BY)
    verify_bundle(bundle, docket.ledger.keys())
    artifacts = json.loads(base64.b64decode(json.loads(bundle)["payload"]))["predicate"]["artifacts"]
    made = reports(stood, material, [answer()], docket.ledger)
    assert artifacts["report.html"]["text"].encode() == made["report.html"]
    assert base64.b64decode(artifacts["report.pdf"]["base64"]) == made["report.pdf"]
    without, _ = export(docket, case.case_id, [answer()], Wanted(most=0, reports={}), BY)
    assert b"report.html" not in base64.b64decode(json.loads(without)["payload"])
