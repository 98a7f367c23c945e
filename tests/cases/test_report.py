import math
import re
import stat
from html.parser import HTMLParser

import pytest

from cases.worked_example import HOSTILE, campaign, nothing_found, worked_example
from stillhunt.cases import report, wording
from stillhunt.cases.report import MAX_LISTED, MAX_OPEN, render, write_report
from stillhunt.cases.report_campaign import MAX_ACCOUNTS, SORTS
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
    first.concealment.parts[evil] = 0.5
    first.calls_by_day[evil] = 1
    first.first_seen = evil
    first.accounts[0].first_seen = evil
    first.accounts[0].calls_by_span = [1, 2]
    example.scanned.refused, example.scanned.reasons = 10**6, {evil: 10**6}
    first.accounts[0].observations[0].description = evil
    example.pools[0].pool_id = evil
    example.pools[0].why_not_a_campaign = evil
    told = {"verdict": "not judged", "not_visible": ["text"], "would_decide": [evil], "explanations": [evil], "accounts": [evil] * 60}
    example.pools[1] = example.pools[0].model_copy(update=told)
    example.visibility[0].reason = evil
    example.visibility[2].channel = evil
    example.notes = [evil]
    example.lake_snapshot = evil
    html = render(example, "--lake '<script>'")
    assert "<script" not in html
    assert Page(html).open == []


def test_the_page_says_what_was_found(page):
    assert "2 campaigns stand out: 162 accounts" in page.text
    assert "412,903 calls of 10,150 accounts" in page.text
    assert "All accounts send one instruction" in page.text
    assert "declared one organization" in page.text
    assert "the logs do not carry accounts.payment_fingerprint" in page.text


def test_a_long_list_of_accounts_is_cut_and_says_so(page):
    assert f"The {MAX_ACCOUNTS} surest of 150" in page.text
    example = worked_example()
    assert sum(member.account_id in page.text for member in example.campaigns[0].accounts) == MAX_ACCOUNTS


def test_25_000_accounts_make_the_page_no_longer(html):
    example = worked_example()
    example.campaigns[0] = campaign("c-7f3a91", 25_000, 1)
    assert len(render(example)) < 1.02 * len(html)


def test_the_answer_and_the_next_step_come_before_anything_else(page):
    at = [page.text.index(words) for words in ("2 campaigns stand out", "What to do next", "Accounts named", "Campaign c-7f3a91")]
    assert at == sorted(at)


def test_commands_of_the_next_step_find_these_findings_again():
    example = worked_example()
    surest = wording.strongest(example.campaigns[0].accounts, 1)[0].account_id
    assert f"<code>stillhunt account {surest} --lake lake</code>" in render(example, "--lake lake")
    assert "stillhunt account" not in render(example)


def test_where_all_accounts_are_listed_is_a_command_that_can_be_pasted():
    example = worked_example()
    assert "listed by <code>stillhunt members c-7f3a91 --lake lake</code>" in render(example, "--lake lake")
    assert "stillhunt members" not in render(example)
    example.campaigns[0].campaign_id = "$(x)"
    assert "stillhunt members $" not in render(example, "--lake lake")


def unread(example, refused):
    scanned = example.scanned.model_copy(
        update={"interactions": 1_000, "refused": refused, "reasons": {"client_headers: a <list>": refused}}
    )
    return example.model_copy(update={"scanned": scanned})


def test_what_could_not_be_read_is_said_before_everything_else():
    html = render(unread(worked_example(), 200))
    text = Page(html).text
    assert text.startswith("Stillhunt report 200 of 1,200 records (16.7 %) could not be read: client_headers: a <list> (200).")
    assert "2 campaigns stand out" in text
    assert "could not be read" not in Page(render(unread(worked_example(), 5))).text


def test_nothing_stands_out_is_never_said_over_logs_that_were_mostly_not_read():
    text = Page(render(unread(nothing_found(), 3_000))).text
    assert "No campaign stands out" not in text
    assert "Most of these logs could not be read" in text
    assert "No campaign stands out" in Page(render(unread(nothing_found(), 300))).text


def test_what_numbers_mean_stands_once_and_before_the_first(page):
    assert page.text.count(wording.BY_CHANCE) == 1
    assert page.text.index(wording.BY_CHANCE) < page.text.index("< 1 in 10^12")
    assert "log10" not in page.text
    assert " bits" not in page.text


def test_all_bars_have_one_scale():
    example = worked_example()
    example.campaigns[0].coordination.log10_evidence = 1_492.0
    example.campaigns[0].harvest.log10_evidence = 1.3
    page = render(example)
    answers = page[page.index('<div class="answers"') :]
    widths = [float(width) for width in re.findall(r'style="width:([\d.]+)%"', answers)[:3]]
    assert widths == [100.0, round(100 * 6.2 / 12, 1), round(100 * 1.3 / 12, 1)]
    assert "1 in 19" in answers


def test_coordination_and_concealment_are_one_picture(page):
    assert page.text.count("Alike in") == 2, "once for each campaign"
    assert page.text.count("Left after visible causes") >= 2


def test_where_no_visible_cause_explains_anything_it_is_said_once():
    example = worked_example()
    example.campaigns = example.campaigns[:1]
    example.campaigns[0].concealment = example.campaigns[0].coordination.model_copy(
        update={"parts": {"work": 9.0, "payer": 4.0}, "log10_evidence": 13.0}
    )
    example.campaigns[0].coordination = example.campaigns[0].concealment
    text = Page(render(example)).text
    assert "explains any of it" in text
    assert "Left after visible causes" not in text
    assert "What they work on" in text


def test_each_account_has_a_line_of_when_it_called():
    example = worked_example()
    example.campaigns = example.campaigns[:1]
    example.campaigns[0].span_hours = 12
    for at, member in enumerate(example.campaigns[0].accounts):
        member.calls_by_span = [at % 5, 3, 9]
    page = Page(render(example))
    assert sum(attributes.get("class") == "spark" for _, attributes in page.elements) == MAX_ACCOUNTS
    assert page.titles.count("at most 9 calls in 12 hours") == MAX_ACCOUNTS
    assert any(title.startswith("Accounts that called, by 12 hours: at most 150 of 150") for title in page.titles)


def test_findings_from_before_say_from_when_to_when(page):
    assert "2026-05-04 00:03 UTC to 2026-05-17 23:58 UTC" in page.titles


def test_accounts_are_sorted_by_style_alone():
    example = worked_example()
    example.campaigns = example.campaigns[:1]
    html = render(example)
    orders = re.findall(r'<div class="row" role="row" style="([^"]*)">', html)
    assert len(orders) == MAX_ACCOUNTS
    for _, letter in SORTS:
        ranks = [int(re.search(rf"--{letter}:(\d+)", order).group(1)) for order in orders]
        assert sorted(ranks) == list(range(MAX_ACCOUNTS))
        assert f".by-{letter}:checked ~ .sheet .row {{ order: var(--{letter}); }}" in html
    listed = wording.strongest(example.campaigns[0].accounts, MAX_ACCOUNTS)
    by_calls = [int(re.search(r"--c:(\d+)", order).group(1)) for order in orders]
    calls = [calls for _, calls in sorted(zip(by_calls, (one.calls for one in listed), strict=True))]
    assert calls == sorted(calls, reverse=True)


def test_what_accounts_share_is_told_once_and_by_letter_in_each_row(page):
    assert page.text.count("the network 198.51.100.0/24") == 2, "once for each campaign"


def test_the_timeline_says_what_to_read_off_it(page):
    assert "Days without a call 2026-05-12" in page.text
    assert any(title.startswith("Calls by day from 2026-05-04 to 2026-05-17: at most") for title in page.titles)


def test_pools_that_could_not_be_judged_are_told_with_what_would_decide():
    example = nothing_found()
    steps = ["LiteLLM: turn on `store_prompts_in_spend_logs`."]
    example.pools[0] = example.pools[0].model_copy(
        update={
            "verdict": "not judged",
            "not_visible": ["text"],
            "would_decide": steps,
            "pool_id": "p-open",
            "accounts": [f"acct-{at:03d}" for at in range(300)],
            "coordination": worked_example().campaigns[0].coordination,
            "harvest": worked_example().campaigns[0].harvest,
        }
    )
    html = render(example)
    text = Page(html).text
    assert text.startswith("Stillhunt report 0 campaigns; 1 pool of 300 accounts acts as one and could not be judged")
    assert "Pools not judged 1" in text
    assert "Pools cleared 23" in text
    assert "<code>store_prompts_in_spend_logs</code>" in html
    assert "not visible" in text[text.index("Harvest is the traffic") :][:60]
    assert "acct-000" in text
    assert "acct-299" not in text
    assert "250 more are in findings.json" in text


def test_element_ids_are_unique(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_when_nothing_is_found_the_page_does_not_say_that_nothing_is_there():
    text = Page(render(nothing_found())).text
    assert "No campaign stands out in what these logs show." in text
    assert "a statement about these logs, not about the world" in text
    assert "What could be seen" in text


def test_many_campaigns_are_a_row_each_and_the_largest_shown_whole(monkeypatch):
    monkeypatch.setattr(report, "MAX_SHOWN", 5)
    example = worked_example()
    example.campaigns = [campaign(f"c-{n}", 3, n) for n in range(7 + MAX_LISTED)]
    page = Page(render(example))
    shown = [attributes for tag, attributes in page.elements if tag == "details" and attributes.get("class") == "campaign"]
    assert len(shown) == 5
    assert sum("open" in attributes for attributes in shown) == MAX_OPEN
    assert sum(tag == "tr" for tag, _ in page.elements) == 1 + MAX_LISTED
    assert "2 more are in findings.json" in page.text


def test_numbers_and_times_that_are_none_are_still_a_page():
    example = worked_example()
    first = example.campaigns[0]
    first.coordination.parts |= {"a": math.inf, "b": -math.inf, "c": math.nan}
    first.concealment.parts |= {"a": math.nan, "b": math.inf, "c": -math.inf}
    first.harvest.log10_evidence = math.nan
    first.calls_by_day |= {"never": 3, "2026-05-12T00:00:00": 0}
    odd = [
        {"first_seen": "yesterday", "last_seen": "2026-05-05"},
        {"first_seen": "2026-05-05T00:00:00", "last_seen": None, "calls": None},
        {"first_seen": None, "calls_by_span": [1, 2]},
        {"calls_by_span": [0, 0, 0, 5]},
    ]
    for member, update in zip(first.accounts, odd, strict=False):
        for name, value in update.items():
            setattr(member, name, value)
        member.membership = 1.0
        member.observations[0].bits, member.observations[1].bits = math.inf, -math.inf
    example.scanned.accounts = 0
    page = Page(render(example))
    assert page.open == []
    assert page.text.count("Campaign c-7f3a91") == 1


def test_findings_with_nothing_in_them_are_a_page():
    empty = nothing_found().model_copy(update={"pools": [], "visibility": [], "notes": []})
    page = Page(render(empty))
    assert page.open == []
    assert "Act as one" not in page.text


def test_the_file_is_for_its_owner_only(tmp_path):
    target = tmp_path / "new" / "report.html"
    write_report(nothing_found(), target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_text().startswith("<!DOCTYPE html>")


def test_a_place_that_cannot_be_written_to_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StillhuntError, match="cannot be written"):
        write_report(nothing_found(), tmp_path / "file" / "report.html")
