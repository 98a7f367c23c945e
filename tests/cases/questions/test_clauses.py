"""A policy file is understood whole or refused with the place where it is wrong."""

from pathlib import Path

import pytest

from stillhunt.cases.questions.clauses import CONDITIONS, KINDS, parse_policy, read_policy, template
from stillhunt.errors import InputError

HEAD = 'name = "Terms"\nversion = "1"\n'
CLAUSE = '[[clause]]\nid = "A"\ntitle = "T"\ntext = "X"\n'


def parsed(body):
    return parse_policy(HEAD + body, Path("policy.toml"))


def test_the_template_shows_every_condition_and_every_kind():
    policy = parse_policy(template(), Path("policy.toml"))
    assert {clause.when for clause in policy.clauses} == set(CONDITIONS)
    assert {clause.kind for clause in policy.clauses} == set(KINDS)


def test_defaults_are_filled_in_and_words_are_folded():
    policy = parsed(CLAUSE + 'kind = "terms"\nwhen = "replacement"\nreasons = ["ABUSE "]')
    assert policy.clauses[0].parameters == {"days": 30, "reasons": ("abuse",)}


def test_domains_come_from_a_file_beside_the_policy(tmp_path):
    (tmp_path / "domains.txt").write_text("# disposable\nBurn.example\n\nonce.example # too\n")
    path = tmp_path / "policy.toml"
    path.write_text(HEAD + CLAUSE + 'kind = "identity"\nwhen = "email_domain"\nrefused_file = "domains.txt"')
    assert read_policy(path).clauses[0].parameters["refused_file"] == ("burn.example", "once.example")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "holds no clause"),
        ("clause = 5", "holds no clause"),
        ("colour = 1", "colour is not known here"),
        ('[[clause]]\nid = "A"', "clause 1: title is missing"),
        (CLAUSE + 'kind = "law"\nwhen = "harvest"', "clause A: kind is 'law'; use one of terms"),
        (CLAUSE + 'kind = "terms"\nwhen = "rude"', "clause A: when is 'rude'; use one of harvest"),
        (CLAUSE + 'kind = "terms"\nwhen = "harvest"\nmost = 5', "clause A: most is not known for harvest; it takes unless"),
        (CLAUSE + 'kind = "terms"\nwhen = "harvest"\nunless = ["love"]', "love is no scope"),
        (CLAUSE + 'kind = "identity"\nwhen = "accounts_per_entity"', "most is missing"),
        (CLAUSE + 'kind = "identity"\nwhen = "accounts_per_entity"\nmost = -1', "most must be a whole number"),
        (CLAUSE + 'kind = "identity"\nwhen = "accounts_per_entity"\nmost = true', "most must be a whole number"),
        (CLAUSE + 'kind = "rate_limit"\nwhen = "pooled_calls"\nmost = 5\nper = "week"', "per must be one of minute"),
        (CLAUSE + 'kind = "region"\nwhen = "country"', "give exactly one of served and not_served"),
        (CLAUSE + 'kind = "region"\nwhen = "country"\nserved = ["Utopia"]', "Utopia is no country"),
        (CLAUSE + 'kind = "region"\nwhen = "network"\nnot_served = ["300.0.0.0/8"]', "300.0.0.0/8 is no range"),
        (CLAUSE + 'kind = "terms"\nwhen = "instruction"\nwords = []', "words must be a list of texts"),
        (CLAUSE + 'kind = "identity"\nwhen = "email_domain"\nrefused_file = "no.txt"', "no.txt cannot be read"),
        ((CLAUSE + 'kind = "terms"\nwhen = "harvest"\n') * 2, "clause A: there are two"),
        ("[[clause", "not TOML"),
        ("a = " + "[" * 5_000, "not TOML"),
    ],
)
def test_what_means_nothing_is_refused_with_the_place(body, said):
    with pytest.raises(InputError, match=said) as error:
        parsed(body)
    assert str(error.value).startswith("policy.toml")


def test_name_and_version_are_needed():
    with pytest.raises(InputError, match="version is missing"):
        parse_policy('name = "Terms"\n', Path("policy.toml"))
