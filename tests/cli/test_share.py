import json

import pytest
import stix2

from cases.frozen_world import FrozenWorld, frozen_world


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> FrozenWorld:
    return frozen_world(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def case(world, tmp_path, stillhunt):
    """Runs `stillhunt case` on a docket with one case: what comes before and behind the case's id."""
    kept = tmp_path / "kept"
    kept.mkdir()
    findings = tmp_path / "findings.json"
    findings.write_bytes(world.findings_bytes)

    def run(*arguments):
        return stillhunt("case", "--cases", kept, *arguments, "--lake", world.lake)

    done = run("open", world.findings.campaigns[0].campaign_id, "--findings", findings, "--by", "A. Nalyst", "--json")
    assert done.status == 0, done.err
    case_id = done.document["case_id"]
    return lambda command, *arguments: run(command, case_id, *arguments)


def test_every_format_is_written_and_recorded(case, tmp_path):
    for number, name in enumerate(("stix", "misp", "sigma", "timesketch", "osprey", "coop"), 2):
        target = tmp_path / f"out.{name}"
        done = case("share", "--to", name, "-o", target, "--by", "A. Nalyst", "--json")
        assert done.status == 0, done.err
        assert (done.document["event"], done.document["kind"], done.document["bytes"]) == (number, name, target.stat().st_size)
    shown = case("show", "--json").document
    assert [event["kind"] for event in shown["events"]] == ["opened"] + 6 * ["exported"]
    assert stix2.parse((tmp_path / "out.stix").read_text(), allow_custom=False).type == "bundle"


def test_sharing_twice_gives_the_same_file(case, tmp_path):
    arguments = ("share", "--to", "stix", "--by", "A. Nalyst", "-o")
    assert case(*arguments, tmp_path / "one").status == case(*arguments, tmp_path / "two").status == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "smoke"), "there are coop, misp"),
        (("--to", "stix", "--tlp", "white"), "clear, green, amber, amber+strict, red"),
        (("--to", "stix", "--tlp", "red"), "--recipient NAME"),
        (("--to", "stix", "--set", "policy=1"), "this format has none"),
        (("--to", "coop", "--set", "policy"), "there are campaign_type"),
        (("--to", "osprey", "--no-accounts"), "--to stix"),
    ],
)
def test_what_cannot_be_shared_is_one_line_and_no_file(case, tmp_path, arguments, said):
    done = case("share", "-o", tmp_path / "out", "--by", "A. Nalyst", *arguments)
    assert done.status == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_settings_reach_the_format(case, tmp_path):
    target = tmp_path / "out"
    done = case("share", "--to", "coop", "--set", "campaign_type=t=1", "-o", target, "--by", "A. Nalyst")
    assert done.status == 0
    assert "TLP:AMBER" in done.out
    assert json.loads(target.read_text())["reportedItem"]["typeId"] == "t=1"
