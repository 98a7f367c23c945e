import pytest


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    from stillhunt.cli import main

    folder = tmp_path_factory.mktemp("range") / "world"
    arguments = ["--hidden", "20", "--accounts", "60", "--calls", "600", "--days", "3", "--populations", "people", "--seed", "5", "--json"]
    assert main(["range", "make", str(folder), *arguments]) == 0
    return folder


def test_a_world_has_a_providers_side_and_the_truth(world):
    assert {path.name for path in world.iterdir()} == {"provider", "truth"}
    assert (world / "truth" / "truth.parquet").exists()
    assert list((world / "provider").glob("interactions-*"))


def test_a_world_is_not_written_over_something_else(stillhunt, world):
    result = stillhunt("range", "make", world)
    assert result.status == 2
    assert "not an empty folder" in result.err


def test_what_was_made_is_said(stillhunt, tmp_path):
    result = stillhunt(
        "range", "make", tmp_path / "w", "--hidden", 0, "--accounts", 20, "--calls", 100, "--days", 2, "--populations", "people"
    )
    assert result.status == 0
    assert "0 accounts with 0 calls are one operator's" in result.out
    assert "stillhunt scan" in result.out


def test_a_world_can_be_read_scanned_and_scored(stillhunt, world, tmp_path):
    findings = tmp_path / "findings.json"
    assert stillhunt("scan", world / "provider", "--output", findings).status == 0
    score = stillhunt("range", "score", findings, world, "--json").document
    assert score["hidden"] == 20
    assert 60 <= score["accounts"] <= 80
    assert "precision" in stillhunt("range", "score", findings, world / "truth" / "truth.parquet").out


def test_findings_need_a_truth_to_be_scored(stillhunt, findings_file, tmp_path):
    result = stillhunt("range", "score", findings_file, tmp_path / "nowhere")
    assert result.status == 2
    assert "no truth there" in result.err
