"""The registry gives back what it was told, and takes a look down whole or not at all."""

from dataclasses import replace

import pytest

from campaigns.told import Told, accounts, campaign, time
from stillhunt.cases import registry as module
from stillhunt.cases.registry import Registry, Taken
from stillhunt.errors import StillhuntError

CARDS = {"payment.card": ["card-1", "card-2"]}


def taken(hour: float) -> Taken:
    return Taken(f"s-{hour}", time(hour), time(hour), 1.5)


class Kept(Told):
    """A chronicle whose memory is a registry."""

    def __init__(self, location) -> None:
        super().__init__()
        self.location = location

    def look(self, hour, *found, closed=()):
        with Registry(self.location, create=True) as registry:
            before = self.known = registry.known()
            kinds = super().look(hour, *found, closed=closed)
            registry.take(before, self.known, self.events, taken(hour))
        return kinds


def test_what_is_known_comes_back_as_it_was(tmp_path):
    kept = Kept(tmp_path / "registry.sqlite")
    kept.look(10, campaign(accounts(range(20)), last=10, shared=CARDS), campaign(accounts(range(9), "b"), last=10))
    kept.look(12, campaign(accounts(range(25)), last=11, shared=CARDS), closed=accounts(range(25)))
    kept.look(13, campaign(accounts(range(30)), last=13, shared=CARDS))
    with Registry(kept.location) as registry:
        assert registry.known() == kept.known
        assert [(number, one.kind) for number, one in registry.events()] == list(
            enumerate(["appeared", "appeared", "banned", "faded", "came_back"], 1)
        )
        assert [number for number, _ in registry.events(after=3)] == [4, 5]
        assert registry.newest_look() == taken(13)
        history = registry.history(kept.known[0].name)
        assert [(one.accounts, one.closed, one.status, one.generation) for one in history] == [
            (20, 0, "active", 1),
            (25, 25, "banned", 1),
            (30, 25, "active", 2),
        ]


def test_a_look_that_changes_nothing_writes_no_history(tmp_path):
    kept = Kept(tmp_path / "registry.sqlite")
    for hour in (10, 11, 12):
        kept.look(hour, campaign(accounts(range(20)), last=10))
    with Registry(kept.location) as registry:
        assert len(registry.history(kept.known[0].name)) == 1
        assert registry.newest_look() == taken(12)


def test_a_look_is_taken_down_whole_or_not_at_all(tmp_path, monkeypatch):
    kept = Kept(tmp_path / "registry.sqlite")
    kept.look(10, campaign(accounts(range(20)), last=10))
    with Registry(kept.location) as registry:
        before = registry.known()
        broken = [replace(before[0], calls=999), replace(before[0], name="c-other", status=None)]  # a database refuses no status
        with pytest.raises(StillhuntError):
            registry.take(before, broken, [], taken(11))
        assert registry.known() == before
        assert registry.newest_look() == taken(10)


def test_answers_about_the_past_leave_the_newest_look_alone(tmp_path):
    kept = Kept(tmp_path / "registry.sqlite")
    kept.look(200, campaign(accounts(range(20)), last=10))
    with Registry(kept.location) as registry:
        before = registry.known()
        registry.take(before, [replace(before[0], dated="looked back", could_to=time(50))], [], None)
        assert registry.known()[0].could_to == time(50)
        assert registry.newest_look() == taken(200)


def test_the_file_is_for_its_owner_only(tmp_path):
    Registry(tmp_path / "registry.sqlite", create=True).close()
    assert (tmp_path / "registry.sqlite").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no registry here"),
        (lambda path: path.write_bytes(b"not a database, but long enough to look like one" * 50), "cannot be used"),
    ],
)
def test_a_registry_that_is_none_is_one_sentence(tmp_path, make, said):
    path = tmp_path / "registry.sqlite"
    make(path)
    with pytest.raises(StillhuntError, match=said) as caught:
        Registry(path)
    assert "\n" not in str(caught.value)


def test_a_newer_releases_registry_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LAYOUT", module.LAYOUT + 1)
    Registry(tmp_path / "registry.sqlite", create=True).close()
    monkeypatch.undo()
    with pytest.raises(StillhuntError, match="install a newer release"):
        Registry(tmp_path / "registry.sqlite")


def test_a_url_without_a_driver_or_sense_is_one_sentence():
    for url in ("nothing://host/name", "postgresql+pg8000://host/name", "://"):
        with pytest.raises(StillhuntError) as caught:
            Registry(url, create=True)
        assert "\n" not in str(caught.value)
