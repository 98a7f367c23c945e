import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.share.shared_case import SECRET, answers, campaign, case, event, findings, of_accounts, options
from stillhunt.cases import share
from stillhunt.cases.share import Share, Tlp, share_named, shares
from stillhunt.cases.share.seen import lives, observables
from stillhunt.errors import InputError

NAMES = ("coop", "misp", "osprey", "sigma", "stix", "timesketch")
INSTRUCTION = campaign().instructions[0]


def rendered(name, *, of=None, when=None, **changes) -> bytes:
    return share_named(name).render(when or case(), findings(), of or campaign(), answers(), options(**changes))


def texts(name: str, content: bytes) -> list:
    """The JSON documents of a file."""
    if name == "sigma":
        return [json.loads(part) for part in content.decode().split("---\n")[1:]]
    return [json.loads(line) for line in content.splitlines()] if name in {"osprey", "timesketch"} else [json.loads(content)]


def strings(document) -> list[str]:
    if isinstance(document, str):
        return [document]
    if isinstance(document, dict):
        return [text for value in document.values() for text in strings(value)]
    return [text for value in document for text in strings(value)] if isinstance(document, list) else []


def test_every_format_comes_through_the_door_that_plug_ins_use():
    assert tuple(shares()) == NAMES
    assert all(isinstance(one, Share) and one.suffix.startswith(".") and one.describe for one in shares().values())


def test_an_unknown_format_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match="there are coop, misp"):
        share_named("carrier-pigeon")


@pytest.mark.parametrize("name", NAMES)
def test_sharing_twice_gives_the_same_bytes_whoever_was_told_in_between(name):
    told = case(event(2, "exported", "2026-06-01T00:00:00Z"))
    assert rendered(name) == rendered(name) == rendered(name, when=told)


@pytest.mark.parametrize("name", NAMES)
def test_what_analysts_wrote_and_who_they_are_stays(name):
    content = rendered(name, instructions=True)
    assert SECRET.encode() not in content
    assert b"Nalyst" not in content


@pytest.mark.parametrize("name", NAMES)
def test_instructions_leave_only_when_asked_for(name):
    said = json.dumps(INSTRUCTION)[1:-1]
    assert said.encode() not in rendered(name)
    if name in {"coop", "misp", "stix"}:
        assert said.encode() in rendered(name, instructions=True)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "osprey"])
def test_accounts_can_be_left_out(name):
    account = campaign().accounts[0].account_id.encode()
    assert account in rendered(name) or name == "sigma"
    assert account not in rendered(name, accounts=False)


def test_osprey_without_accounts_is_refused():
    with pytest.raises(InputError, match="--no-accounts"):
        rendered("osprey", accounts=False)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tlp", list(Tlp))
def test_the_label_is_in_every_file(name, tlp):
    found = {text.lower() for document in texts(name, rendered(name, tlp=tlp)) for text in strings(document)}
    assert {tlp.value, f"tlp:{tlp.value}", f"tlp.{tlp.value.replace('+', '-')}"} & found


hostile = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
    | st.sampled_from(
        ["'] OR [x:y = '", "\\", "\\'", '"\n---\nid: 1', "\x00\x1b[2J", "\u202egnp", "\U000e0041", "${jndi:x}", "\x85\u2028 - a: b"]
    ),
    min_size=1,
    max_size=4,
    unique=True,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile)
def test_hostile_account_names_survive_as_data_and_as_nothing_else(names):
    for name in ("coop", "misp", "osprey", "stix", "timesketch"):
        content = rendered(name, of=of_accounts(*names), observables=())
        assert content.isascii()
        assert all(byte == 10 or 32 <= byte < 127 for byte in content)
        found = {text for document in texts(name, content) for text in strings(document)}
        assert set(names) <= found, name


def test_ids_of_parts_are_kept_apart():
    assert share.identifier("a", "b|c") != share.identifier("a|b", "c") != share.identifier("a", "b", "c")
    assert share.number("a", "b") < 2**53


@pytest.mark.parametrize("name", NAMES)
def test_no_words_of_the_dictionary_leave_with_a_real_campaign(name, material):
    words = [row["words"].lower() for batch in material.lake.table("phrases").batches(["words"]) for row in batch.to_pylist()]
    assert len(words) > 100
    given = options(observables=observables(material), lives=lives(material))
    content = share_named(name).render(case(), material.findings, material.campaign, answers(), given).decode().lower()
    assert [phrase for phrase in words if phrase in content] == []
