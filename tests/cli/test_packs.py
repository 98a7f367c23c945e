"""`case pack`, `import`, `packs`: from one provider's case to another's scan, on the command line."""

from __future__ import annotations

import json

import pytest

from cases.frozen_world import FrozenWorld, frozen_world


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> FrozenWorld:
    return frozen_world(tmp_path_factory.mktemp("packed"))


@pytest.fixture
def pack(world, tmp_path, stillhunt):
    """Writes a pack of a case on the world's campaign: the file, the keys' file, and what was said."""
    kept = tmp_path / "kept"
    kept.mkdir()
    findings = tmp_path / "findings.json"
    findings.write_bytes(world.findings_bytes)

    def run(*arguments):
        return stillhunt("case", "--cases", kept, *arguments, "--lake", world.lake)

    opened = run("open", world.findings.campaigns[0].campaign_id, "--findings", findings, "--by", "A. Nalyst", "--json")
    assert opened.status == 0, opened.err

    def made(*arguments):
        file = tmp_path / "out.pack"
        done = run("pack", opened.document["case_id"], "-o", file, "--recipient", "Example Org", "--by", "A. Nalyst", "--json", *arguments)
        if done.status == 0:
            (tmp_path / "sender.keys").write_text("\n".join(done.document["keys"]) + "\n")
        return file, tmp_path / "sender.keys", done

    return made


def test_a_pack_goes_from_a_case_to_what_another_scan_says(world, pack, stillhunt):
    file, keys, done = pack()
    assert done.status == 0, done.err
    brought = stillhunt("import", file, "--key", keys, "--lake", world.lake)
    assert brought.status == 0, brought.err
    assert "for Example Org, TLP:AMBER" in " ".join(brought.out.split())
    (listed,) = stillhunt("packs", "--lake", world.lake, "--json").document["packs"]
    assert listed["pack"]["pack_id"] == done.document["pack_id"]
    scanned = stillhunt("scan", "--lake", world.lake, "--json")
    assert scanned.status == 0, scanned.err
    (one,) = scanned.document["recognised"]
    assert len(one["accounts"]) >= 50
    (campaign,) = scanned.document["campaigns"]
    assert {account["campaign_id"] for account in one["accounts"]} == {campaign["campaign_id"]}
    shown = stillhunt("campaigns", "--lake", world.lake)
    said = " ".join(shown.out.split())
    assert f"Pack {one['pack_id'][:8]}" in said
    assert "accuses nobody" in said


def test_people_are_told_what_leaves_and_what_is_looked_for(world, pack, stillhunt, tmp_path):
    assert stillhunt("packs", "--lake", world.lake).status == 0
    file, keys, done = pack()
    kept = tmp_path / "kept"
    (case,) = stillhunt("case", "--cases", kept, "list", "--lake", world.lake, "--json").document["cases"]
    again = tmp_path / "again.pack"
    told = stillhunt(
        "case",
        "--cases",
        kept,
        "pack",
        case["case_id"],
        "-o",
        again,
        "--recipient",
        "Example Org",
        "--by",
        "A. Nalyst",
        "--lake",
        world.lake,
    )
    said = " ".join(told.out.split())
    assert (told.status, "of the case's accounts match it. TLP:AMBER" in said, "by another way than the pack" in said) == (0, True, True)
    assert all(key in told.out.replace("\n", "") for key in done.document["keys"])
    assert stillhunt("import", file, "--key", keys, "--lake", world.lake, "--json").document["pack"]["pack_id"] == done.document["pack_id"]
    listed = stillhunt("packs", "--lake", world.lake)
    assert listed.status == 0
    assert "about" in listed.out


def test_what_cannot_be_packed_or_imported_is_one_line(world, pack, stillhunt, tmp_path):
    assert "clear, green" in pack("--tlp", "white")[2].err
    file, keys, done = pack()
    assert done.status == 0
    wrong = tmp_path / "wrong.keys"
    wrong.write_text("no key\n")
    for arguments in (("import", file, "--key", wrong), ("import", keys, "--key", keys), ("import", tmp_path / "none", "--key", keys)):
        refused = stillhunt(*arguments, "--lake", world.lake)
        assert refused.status == 2
        assert refused.err.count("\n") == 1


def test_a_case_repeats_what_was_recognised_though_the_pack_is_gone(world, pack, stillhunt):
    file, keys, done = pack()
    assert done.status == 0
    assert stillhunt("import", file, "--key", keys, "--lake", world.lake).status == 0
    scanned = stillhunt("scan", "--lake", world.lake, "--json").document
    opened = stillhunt("case", "open", scanned["campaigns"][0]["campaign_id"], "--lake", world.lake, "--by", "A. Nalyst", "--json")
    assert opened.status == 0, opened.err
    for kept in (world.lake / "packs").iterdir():
        kept.unlink()
    again = stillhunt("case", "rerun", opened.document["case_id"], "--lake", world.lake, "--by", "A. Nalyst")
    assert again.status == 0, again.err + again.out
    assert "recognised" not in stillhunt("scan", "--lake", world.lake, "--json").document


def test_a_watch_looks_for_packs_too(world, pack, stillhunt, tmp_path):
    file, keys, done = pack()
    assert done.status == 0
    assert stillhunt("import", file, "--key", keys, "--lake", world.lake).status == 0
    watched = stillhunt("watch", "--once", "--lake", world.lake, "--state", tmp_path, "-o", tmp_path / "newest.json")
    assert watched.status == 0, watched.err
    findings = json.loads((tmp_path / "newest.json").read_text())
    (one,) = [each for each in findings["recognised"] if each["pack_id"] == done.document["pack_id"]]
    assert {account["campaign_id"] for account in one["accounts"]} == {findings["campaigns"][0]["campaign_id"]}
