import math

import pytest

from cases.worked_example import HOSTILE, nothing_found, worked_example
from stillhunt.campaigns import Settings
from stillhunt.campaigns.harvest import LEAST_CALLS
from stillhunt.cases import wording
from stillhunt.pools.candidates import LARGEST, LEAST
from stillhunt.records import Pool, Visibility


def test_what_cannot_be_seen_is_spelled_out():
    assert wording.visible("acct-\u202egnp") == "acct-<U+202E>gnp"
    assert wording.visible("\x1b[2J") == "<U+001B>[2J"
    assert wording.visible("a\u200bb\nc") == "a<U+200B>b<U+000A>c"
    assert wording.visible("日本語 Grüße عربي") == "日本語 Grüße عربي"


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_drives_a_terminal_gets_through(text):
    shown = wording.visible(text)
    assert shown.isprintable()
    assert len(shown) < 200


def test_a_long_text_keeps_its_beginning_and_its_end():
    shown = wording.visible("begin" + "x" * 10_000 + "end", 20)
    assert shown.startswith("begin")
    assert shown.endswith("end")
    assert "…" in shown


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (9_999, "9,999"), (10_000, "10.0 k"), (28_800_000, "28.8 M"), (151 * 10**9, "151.0 G")]
)
def test_large_numbers_are_shown_in_three_digits(number, shown):
    assert wording.amount(number).replace("\u00a0", " ") == shown


def test_nouns_agree_with_their_number():
    assert wording.count(1, "account") == "1 account"
    assert wording.count(25_000, "account") == "25,000 accounts"
    assert wording.count(0, "entity", "entities") == "0 entities"


def test_times_are_shown_in_utc():
    assert wording.moment("2026-05-04T02:00:00+02:00") == "2026-05-04 00:00 UTC"
    assert wording.moment("2026-05-04T02:00:00") == "2026-05-04 02:00 UTC"
    assert wording.moment("2026-05-04") == "2026-05-04"
    assert wording.moment("<b>no time</b>") == "<b>no time</b>"
    assert wording.moment(None) == "unknown"


def test_a_probability_is_never_rounded_to_certainty():
    assert wording.probability(1.0).startswith(">")
    assert wording.probability(0.9999).startswith(">")
    assert wording.probability(0.0).startswith("<")
    assert wording.probability(0.973).replace("\u00a0", " ") == "97.3 %"


def test_evidence_always_has_a_sign():
    assert wording.log10(12.34) == "+12.3"
    assert wording.log10(-0.5) == "−0.5"
    assert wording.log10(math.inf) == "+∞"
    assert wording.log10(math.nan) == "unknown"


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (0.2, "1 in 1.5"),
        (1.0, "1 in 10"),
        (2.999, "1 in 990"),
        (3.0, "1 in 1,000"),
        (5.99, "1 in 970,000"),
        (6.0, "1 in 10^6"),
        (11.99, "1 in 10^11"),
        (12.0, "< 1 in 10^12"),
        (1_492.0, "< 1 in 10^12"),
        (math.inf, "< 1 in 10^12"),
        (0.0, "neither way"),
        (-0.31, "against, 2 to 1"),
        (-8.0, "against, 10^8 to 1"),
        (-math.inf, "against, > 10^12 to 1"),
        (math.nan, "unknown"),
    ],
)
def test_evidence_is_spoken_on_one_scale_and_never_larger_than_it_is(evidence, said):
    assert wording.by_chance(evidence) == said


@pytest.mark.parametrize(("bits", "said"), [(1.0, "2 to 1"), (-6.0, "64 to 1"), (0.0, "next to nothing"), (math.nan, "unknown")])
def test_a_weight_between_hypotheses_is_odds_whichever_side_it_stands_on(bits, said):
    assert wording.odds(bits) == said


def test_bars_of_all_axes_are_on_one_scale():
    assert wording.share_of_bar(1.3) < 0.11
    assert wording.share_of_bar(-6.0) == 0.5
    assert wording.share_of_bar(1_492.0) == wording.share_of_bar(math.inf) == 1.0
    assert wording.share_of_bar(math.nan) == 0.0


def test_it_is_never_claimed_that_nothing_is_there():
    said = wording.headline(nothing_found())
    assert said == "No campaign stands out in what these logs show."


def without(findings, **changed):
    return findings.model_copy(update=changed)


def pool(pool_id="p-1", accounts=20, verdict="not judged", not_visible=("text",), why="they act as one"):
    names = [f"{pool_id}-{number}" for number in range(accounts)]
    return Pool(pool_id=pool_id, accounts=names, why_not_a_campaign=why, verdict=verdict, not_visible=list(not_visible))


def blind_to_text(findings):
    seen = [Visibility(channel="identical", visible=False, accounts=0, reason="the logs do not carry interactions.prompt_hash")]
    return without(findings, visibility=seen)


def test_what_could_not_be_judged_stands_in_the_headline():
    nothing = without(
        nothing_found(),
        visibility=[Visibility(channel=name, visible=False, accounts=0) for name in ("identical", "payment", "email")],
    )
    one = without(nothing, pools=[pool()])
    assert wording.headline(one) == "0 campaigns; 1 pool of 20 accounts acts as one and could not be judged: the logs hold no text."
    more = without(nothing, pools=[pool(), pool("p-2", 30, not_visible=("text", "payment", "e-mail")), pool("p-3", verdict="cleared")])
    assert wording.headline(more) == (
        "0 campaigns; 2 pools (50 accounts together) each act as one and could not be judged: "
        "the logs hold no text, no payment and no e-mail."
    )
    assert [group.pools[0].pool_id for group in wording.reasons(more)] == ["p-3"]
    unsure = without(nothing_found(), pools=[pool(not_visible=())])
    assert wording.headline(unsure).endswith("acts as one and could not be judged.")
    both = without(worked_example(), pools=[pool()])
    assert wording.headline(both).endswith(
        "Beside them, 1 pool of 20 accounts acts as one and could not be judged: the logs hold no text of theirs."
    )


def test_without_text_it_is_said_that_nobody_could_be_named():
    assert wording.headline(blind_to_text(nothing_found())) == "0 campaigns: these logs hold no text, and without text none is named."


def test_a_longer_time_is_advised_only_where_calls_are_few():
    scanned = nothing_found().scanned
    few = without(nothing_found(), scanned=scanned.model_copy(update={"accounts": 100, "interactions": 320}))
    assert any("longer time" in step and "3.2 calls" in step for step in wording.what_next(few))
    many = without(nothing_found(), scanned=scanned.model_copy(update={"accounts": 100, "interactions": 32_000}))
    assert not any("longer time" in step for step in wording.what_next(many))


def test_the_limits_that_are_told_are_the_limits_that_hold():
    assert Settings().least_accounts == wording.FEWEST_NAMED
    assert (wording.FEWEST_LOOKED_FOR, wording.LARGEST_LOOKED_FOR) == (LEAST, LARGEST)
    assert wording.FEW_CALLS == LEAST_CALLS
    small = without(nothing_found(), pools=[pool(verdict="too few", accounts=6, not_visible=())])
    assert any("fewer than 8" in step and "1 smaller pool is listed" in step for step in wording.limits(small))
    handful = without(nothing_found(), scanned=nothing_found().scanned.model_copy(update={"accounts": 3}))
    assert any("3 accounts in all" in step for step in wording.limits(handful))
    assert wording.limits(worked_example()) == []


def test_commands_are_told_only_where_they_would_run():
    assert not any("`stillhunt account" in step or "`stillhunt members" in step for step in wording.what_next(worked_example()))
    told = " ".join(wording.what_next(worked_example(), "findings.json"))
    surest = wording.strongest(worked_example().campaigns[0].accounts, 1)[0].account_id
    assert f"`stillhunt account {surest} findings.json`" in told
    hostile = worked_example()
    for member in hostile.campaigns[0].accounts:
        member.account_id = f"$(reboot) {member.account_id}"
    assert not any("`stillhunt account" in step for step in wording.what_next(hostile, "findings.json"))


def test_findings_from_before_there_were_verdicts_are_not_read_as_cleared():
    old = {"pool_id": "p", "accounts": ["a"], "why_not_a_campaign": "the logs carry no content, so whether it harvests cannot be judged"}
    assert (Pool.model_validate(old).verdict, Pool.model_validate(old).not_visible) == ("not judged", ["text"])
    assert Pool.model_validate(old | {"why_not_a_campaign": "only 5 unrelated accounts: too few"}).verdict == "too few"
    assert Pool.model_validate(old | {"why_not_a_campaign": "declared one organization (x)"}).verdict == "cleared"


def test_the_headline_counts_campaigns_and_accounts():
    assert wording.headline(worked_example()).startswith("2 campaigns stand out: 162 accounts")
    one = worked_example()
    one.campaigns = one.campaigns[:1]
    assert wording.headline(one) == "1 campaign stands out: 150 accounts judged to be run by one operator."


def test_the_error_rate_is_said_in_accounts():
    assert "every 1,000 accounts" in wording.error_rate(worked_example())


def test_pools_are_grouped_by_reason_with_the_widest_first():
    groups = wording.reasons(worked_example())
    assert sum(len(group.pools) for group in groups) == len(worked_example().pools)
    assert [group.accounts for group in groups] == sorted((group.accounts for group in groups), reverse=True)
    assert len({group.why for group in groups}) == len(groups) == 5


def test_an_account_in_two_pools_of_a_reason_counts_once():
    pools = [Pool(pool_id=name, accounts=["a", "b"], why_not_a_campaign="declared one organization") for name in "xy"]
    findings = nothing_found().model_copy(update={"pools": pools})
    assert wording.reasons(findings)[0].accounts == 2


def test_blind_channels_are_told_apart_from_those_that_found_nothing():
    example = worked_example()
    assert [channel.channel for channel in wording.blind(example.visibility)] == ["email", "payment"]
    assert wording.seeing(example.visibility)[0].channel == "client"


def test_blanks_of_an_instruction_are_marked():
    parts = wording.instruction_parts("solve {task} and … then stop")
    assert [text for text, blank in parts if blank] == ["{task}", "…"]
    assert "".join(text for text, _ in parts) == "solve {task} and … then stop"


def test_the_surest_members_come_first():
    members = wording.strongest(worked_example().campaigns[0].accounts, 10)
    assert len(members) == 10
    assert [member.membership for member in members] == sorted((member.membership for member in members), reverse=True)


def test_a_finding_always_comes_with_what_to_check_before_acting():
    steps = " ".join(wording.what_next(worked_example()))
    assert "Payment and e-mail were not visible" in steps
    assert "entitlement" in steps
    assert "stillhunt formats" in steps


def test_a_channel_that_saw_only_part_is_among_what_could_not_be_seen():
    unseen = wording.unseen(worked_example().visibility)
    assert [channel for channel, _ in unseen] == ["email", "payment", "client"]
    assert unseen[2][1] == "partly: the logs do not carry interactions.tls_ja4"


def test_notes_do_not_repeat_what_visibility_says():
    example = worked_example()
    example.notes.append("payment: the logs do not carry accounts.payment_fingerprint.")
    assert not any(step.startswith("payment:") for step in wording.what_next(example))
