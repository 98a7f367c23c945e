from importlib.metadata import entry_points

from stillhunt.cli.catalogue import known_formats, sees


def test_every_installed_format_is_listed_with_what_it_sees(stillhunt):
    out = stillhunt("formats").out
    document = stillhunt("formats", "--json").document
    names = {format_.name for format_ in known_formats()}
    assert names
    assert {entry["name"] for entry in document["formats"]} == names
    assert all(name in out for name in names)


def test_a_format_says_what_it_hides_and_how_to_turn_it_on(stillhunt):
    out = " ".join(stillhunt("formats", "litellm").out.split())
    assert "use_x_forwarded_for" in out
    assert "payment_fingerprint" in out


def test_the_canonical_format_sees_everything():
    canonical = next(format_ for format_ in known_formats() if format_.name == "canonical")
    assert all(sees(canonical.sees).values())
    assert not any(sees(frozenset()).values())


def test_every_channel_is_listed_with_the_columns_it_needs(stillhunt):
    document = stillhunt("channels", "--json").document
    assert {channel["name"] for channel in document["channels"]} == {entry.name for entry in entry_points(group="stillhunt.channels")}
    payment = next(channel for channel in document["channels"] if channel["name"] == "payment")
    assert payment["aspects"][0]["needs"] == {"accounts": ["payment_fingerprint"]}
    assert "payment_fingerprint" in stillhunt("channels").out
