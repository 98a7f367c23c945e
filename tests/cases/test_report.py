import re
import stat
from html.parser import HTMLParser

import pytest

from cases.worked_example import HOSTILE, campaign, nothing_found, worked_example
from stillhunt.cases import report
from stillhunt.cases.report import MOST_ACCOUNTS, render, write_report
from stillhunt.errors import StillhuntError

VOID = {"meta", "br", "link", "img", "input", "hr", "path", "line", "rect", "circle", "stop"}


class Page(HTMLParser):
    """What a browser would see of a page: its elements, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.titles: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open.pop() == tag, f"{tag} closed out of order"

    def handle_data(self, data):
        if self.open and self.open[-1] == "title":
            self.titles.append(data)
        elif "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def html():
    return render(worked_example())


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_is_well_formed(page):
    assert page.open == []


def test_the_page_refers_to_nothing_outside_itself(page):
    for tag, attributes in page.elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form", "base", "img"}
        for name, value in attributes.items():
            if name in {"href", "src", "xlink:href", "action", "data", "srcset"}:
                assert (value or "").startswith("#"), f"{tag} {name}={value}"
            assert not name.startswith("on")


def test_no_style_fetches_anything(html):
    styles = " ".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL)) + " ".join(re.findall(r'style="([^"]*)"', html))
    assert "url(" not in styles
    assert "@import" not in styles


def test_a_strict_policy_comes_before_anything_else(page):
    policies = [a["content"] for tag, a in page.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    assert "script" not in policies[0]


def test_what_an_account_calls_itself_stays_text(page, html):
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    for text in HOSTILE:
        if "<" in text:
            assert text not in html
    for character in ("\x1b", "\x07", "\u202e", "\u200b"):
        assert character not in html
    assert "x" * 200 not in html


def test_hostile_words_in_every_other_place_stay_text_too():
    example = worked_example()
    evil = "<script>alert(2)</script>"
    first = example.campaigns[0]
    first.campaign_id = evil
    first.explanations = [evil]
    first.instructions = [evil + " {slot}"]
    first.coordination.parts[evil] = 1.0
    first.accounts[0].observations[0].description = evil
    example.pools[0].pool_id = evil
    example.pools[0].why_not_a_campaign = evil
    example.visibility[0].reason = evil
    example.visibility[2].channel = evil
    example.notes = [evil]
    example.lake_snapshot = evil
    html = render(example)
    assert "<script" not in html
    assert Page(html).open == []


def test_the_page_says_what_was_found(page):
    assert "2 campaigns stand out: 162 accounts" in page.text
    assert "412,903 calls of 10,150 accounts" in page.text
    assert "All accounts send one instruction" in page.text
    assert "declared one organization" in page.text
    assert "the logs do not carry accounts.payment_fingerprint" in page.text


def test_a_long_list_of_accounts_is_cut_and_says_so(page):
    assert f"The {MOST_ACCOUNTS} surest of 150" in page.text
    example = worked_example()
    assert sum(member.account_id in page.text for member in example.campaigns[0].accounts) == MOST_ACCOUNTS


def test_each_campaign_has_its_days_three_waterfalls_and_memberships(page):
    pictures = [attributes for tag, attributes in page.elements if tag == "svg"]
    assert len(pictures) == 2 * 5 + 2
    assert any(title.startswith("2026-05-12: 0 calls") for title in page.titles)
    assert any(title.startswith("template: +22.4") for title in page.titles)


def test_marks_carry_tooltips_without_scripts(page):
    assert any("accounts; declared one organization" in title for title in page.titles)
    assert any(title == "client: 10,150 accounts" for title in page.titles)


def test_element_ids_are_unique(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_when_nothing_is_found_the_page_does_not_say_that_nothing_is_there():
    text = Page(render(nothing_found())).text
    assert "No campaign stands out in what these logs show." in text
    assert "a statement about these logs, not about the world" in text
    assert "What could be seen" in text


def test_many_campaigns_are_described_and_the_largest_drawn(monkeypatch):
    monkeypatch.setattr(report, "MOST_DRAWN", 2)
    example = worked_example()
    example.campaigns = [campaign(f"c-{n}", 3, n) for n in range(5)]
    page = Page(render(example))
    assert sum(tag == "section" for tag, _ in page.elements) == 5
    assert sum(tag == "svg" for tag, _ in page.elements) == 2 * 5 + 2


def test_the_file_is_for_its_owner_only(tmp_path):
    target = tmp_path / "new" / "report.html"
    write_report(nothing_found(), target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_text().startswith("<!DOCTYPE html>")


def test_a_place_that_cannot_be_written_to_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StillhuntError, match="cannot be written"):
        write_report(nothing_found(), tmp_path / "file" / "report.html")
