"""Formats are found by entry point, and a broken one harms nobody else."""

from importlib.metadata import EntryPoint

import pytest

from stillhunt.errors import InputError
from stillhunt.intake import registry as module
from stillhunt.intake.formats import Sample
from stillhunt.intake.registry import by_name, guess, registry, unknown


class Sure:
    def __init__(self, score):
        self.score = score

    def sniff(self, sample):
        if self.score is None:
            raise RuntimeError
        return self.score


def known(monkeypatch, **scores):
    found = module.Registry({name: Sure(score) for name, score in scores.items()}, {})
    monkeypatch.setattr(module, "registry", lambda: found)
    return found.formats


def test_the_built_in_formats_come_through_the_same_door_as_plug_ins():
    assert {"canonical", "litellm"} <= set(registry().formats)
    assert all(form.name == name for name, form in registry().formats.items())


def test_a_plug_in_that_cannot_be_imported_is_named_and_the_others_work(monkeypatch):
    entries = [
        EntryPoint("canonical", "stillhunt.intake.formats.canonical:FORMAT", module.GROUP),
        EntryPoint("broken", "no.such:F", module.GROUP),
    ]
    monkeypatch.setattr(module, "entry_points", lambda group: entries)
    module.registry.cache_clear()
    try:
        assert list(registry().formats) == ["canonical"]
        with pytest.raises(InputError, match="'broken' cannot be loaded"):
            by_name("broken")
    finally:
        module.registry.cache_clear()


def test_the_surest_format_wins_and_ties_go_by_name(monkeypatch):
    formats = known(monkeypatch, a=0.6, b=0.9, c=0.9, d=None)
    assert guess(Sample("x", "lines", [])) == (formats["b"], 0.9)


def test_less_than_half_sure_is_no_guess(monkeypatch):
    known(monkeypatch, a=0.49, b=0.1)
    assert guess(Sample("x", "lines", [])) == (None, 0.49)


def test_an_unknown_log_is_told_what_is_known_and_what_to_do(monkeypatch):
    known(monkeypatch, alpha=0, beta=0)
    assert "alpha, beta" in str(unknown("calls.log"))
    assert "--format" in str(unknown("calls.log"))
    with pytest.raises(InputError, match="alpha, beta"):
        by_name("gamma")


def test_a_log_of_several_kinds_is_what_most_of_its_known_records_are():
    other = [{"level": "info", "msg": f"started {n}", "seq": n} for n in range(30)]
    entry = {"account_id": "a", "created_at": 1_767_225_600_000_000}
    call = {"interaction_id": "1", "started_at": 1_767_225_600_000_000, "account_id": "a"}
    for records in ([*other, call, call], [call, *other], [call, *other, entry]):
        assert guess(Sample("x", "lines", records))[0].name == "canonical"
    assert guess(Sample("x", "lines", other))[0] is None
