import hashlib
import json

import pytest

from cases.frozen_world import frozen_world
from evidence_made import ED, ML, STRANGER, made


@pytest.fixture
def files(tmp_path):
    """A folder with a bundle and keys."""
    (tmp_path / "b.json").write_bytes(made().bundle())
    (tmp_path / "key").write_text(f"{ED.key.vkey}\n{ML.key.vkey}\n")
    (tmp_path / "wrong").write_text(STRANGER.key.vkey)
    return tmp_path


def test_a_sound_bundle_is_verified_with_status_0(stillhunt, files):
    done = stillhunt("verify", files / "b.json", "--key", files / "key")
    assert (done.status, done.err) == (0, "")
    assert [line for line in done.out.splitlines() if line and not line.startswith((" ", "VERIFIED"))] == [
        "Proved",
        "Claimed by the provider",
        "Not shown",
    ]


def test_json_has_the_three_lists_and_the_figures(stillhunt, files):
    document = stillhunt("verify", files / "b.json", "--key", files / "key", "--json").document
    assert document["verified"] is True
    assert document["facts"]["interactions"] == 2
    assert all(document[name] for name in ("proved", "claimed", "not_shown"))


@pytest.mark.parametrize(
    ("bundle", "key"), [("b.json", "wrong"), ("key", "key"), ("gone", "key"), ("b.json", "gone"), ("b.json", "b.json")]
)
def test_a_refusal_is_one_line_and_status_2(stillhunt, files, bundle, key):
    done = stillhunt("verify", files / bundle, "--key", files / key)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)


def test_a_case_is_exported_and_a_stranger_verifies_it_with_the_key_alone(stillhunt, tmp_path):
    lake = frozen_world(tmp_path).lake
    assert stillhunt("ledger", "adopt", "--lake", lake).status == 0
    findings = next((lake / "cases").glob("*/findings.json"))
    opened = stillhunt("case", "open", "c-", "--lake", lake, "--findings", findings, "--by", "A. Nalyst", "--json")
    case_id, out, key = opened.document["case_id"], tmp_path / "x.json", tmp_path / "key"
    arguments = ("case", "export", case_id, "--lake", lake, "-o", out, "--by", "A. Nalyst")
    for wrong in (("--tlp", "red"), ("--tlp", "blue"), ("--withhold", "all"), ("--report", lake), ("--interaction", "none")):
        assert stillhunt(*arguments, *wrong).status == 2
        assert not out.exists()
    done = stillhunt(*arguments, "--interactions", "3", "--withhold", "who,content", "--recipient", "a court", "--json")
    assert (done.status, done.document["recipient"], out.stat().st_mode & 0o777) == (0, "a court", 0o600)
    key.write_text(stillhunt("ledger", "key", "--lake", lake).out)
    own = tmp_path / "own.html"
    own.write_text("<p>ours</p>")
    told = stillhunt(*arguments[:5], "-o", tmp_path / "y.json", "--by", "A. Nalyst", "--interactions", "1", "--report", own)
    assert (told.status, "TLP:AMBER" in told.out, "were not asked yet" in " ".join(told.out.split())) == (0, True, True)
    enclosed = stillhunt("verify", tmp_path / "y.json", "--key", key, "--json").document["facts"]["artifacts"]
    assert enclosed["report.html"] == hashlib.sha256(b"<p>ours</p>").hexdigest()
    assert "report.pdf" not in enclosed
    for wrong in ((own, own), (tmp_path / "gone.html",)):
        given = [part for one in wrong for part in ("--report", one)]
        assert stillhunt(*arguments[:5], "-o", tmp_path / "z.json", "--by", "A. Nalyst", *given).status == 2
    verdict = stillhunt("verify", out, "--key", key, "--json").document
    assert verdict["facts"]["withheld"] == {"content": 3, "who": 3}
    shown = stillhunt("case", "show", case_id, "--lake", lake, "--json").document["events"]
    assert [event["kind"] for event in shown] == ["opened", "exported", "exported"]
    changed = json.loads(out.read_bytes())
    changed["payloadType"] = "text/plain"
    out.write_bytes(json.dumps(changed, sort_keys=True, separators=(",", ":")).encode())
    assert stillhunt("verify", out, "--key", key).status == 2


def test_what_is_enclosed_is_written_out_once_it_is_verified_and_nothing_is_overwritten(stillhunt, files):
    done = stillhunt("verify", files / "b.json", "--key", files / "key", "--extract", files / "out")
    assert done.status == 0
    written = {path.name: path.read_bytes() for path in (files / "out").iterdir()}
    facts = stillhunt("verify", files / "b.json", "--key", files / "key", "--json").document["facts"]
    assert {name: hashlib.sha256(content).hexdigest() for name, content in written.items()} == facts["artifacts"]
    assert all((files / "out" / name).stat().st_mode & 0o777 == 0o600 for name in written)
    again = stillhunt("verify", files / "b.json", "--key", files / "key", "--extract", files / "out")
    assert again.status == 2
    assert "would be overwritten" in again.err


def test_nothing_is_written_from_a_bundle_that_is_refused(stillhunt, files):
    done = stillhunt("verify", files / "b.json", "--key", files / "wrong", "--extract", files / "out")
    assert done.status == 2
    assert not (files / "out").exists()
