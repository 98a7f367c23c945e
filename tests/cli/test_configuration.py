"""The configuration file: what it says holds where nothing nearer says otherwise, and a slip of the pen is named."""

import pytest

from cli.conftest import write_calls


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Writes the configuration file of a user whose home is new."""
    for name in ("STILLHUNT_ANALYST", "STILLHUNT_NETWORKS", "STILLHUNT_CONFIG"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards, whatever a command sets
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def write(text: str):
        file = tmp_path / "config" / "stillhunt" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


def test_options_of_the_file_need_not_be_said_and_what_is_said_goes_before_them(stillhunt, configured, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    configured(f"[defaults]\nlake = '{one}'\n[ingest]\nno_ledger = true\n")
    calls = write_calls(tmp_path / "calls.jsonl")
    assert stillhunt("ingest", calls).status == 0
    assert stillhunt("lake", "info", "--json").document["lake"] == str(one)
    assert not (one / "ledger").exists()
    assert stillhunt("ingest", calls, "--lake", two).status == 0
    assert stillhunt("lake", "info", "--lake", two, "--json").document["lake"] == str(two)


def test_a_commands_own_table_goes_before_defaults(stillhunt, configured, tmp_path):
    write_calls(tmp_path / "calls.jsonl")
    configured(f"[defaults]\nlake = '{tmp_path / 'one'}'\n[lake.info]\nlake = '{tmp_path / 'two'}'\n")
    assert stillhunt("ingest", tmp_path / "calls.jsonl").status == 0
    assert str(tmp_path / "two") in stillhunt("lake", "info").err


def test_a_lake_that_only_the_file_names_steps_back_behind_findings_that_are_given(stillhunt, configured, findings_file, tmp_path):
    configured(f"[defaults]\nlake = '{tmp_path / 'none'}'\n")
    assert stillhunt("campaigns", findings_file).status == 0
    assert stillhunt("export", findings_file, "-o", tmp_path / "accounts.csv").status == 0
    both = stillhunt("campaigns", findings_file, "--lake", tmp_path / "none")
    assert both.status == 2
    assert "either" in both.err
    assert str(tmp_path / "none") in stillhunt("campaigns").err


def test_show_says_where_each_value_comes_from(stillhunt, configured, monkeypatch):
    file = configured("[settings]\nanalyst = 'A. Nalyst'\nnetworks = 'ranges.txt'\n[scan]\nfalse_discovery_rate = 0.01\n")
    monkeypatch.setenv("STILLHUNT_NETWORKS", "mine.txt")
    values = {one["name"]: (one["value"], one["from"]) for one in stillhunt("config", "show", "--json").document["values"]}
    assert values["STILLHUNT_ANALYST"] == ("A. Nalyst", str(file))
    assert values["STILLHUNT_NETWORKS"] == ("mine.txt", "environment")
    assert values["scan --false-discovery-rate"] == ("0.01", str(file))
    assert values["STILLHUNT_KEY_FILE"] == (None, "not set")
    assert "A. Nalyst" in stillhunt("config", "show").out


def test_without_a_file_it_says_where_one_would_be_read(stillhunt, configured, tmp_path):
    assert str(tmp_path / "config" / "stillhunt" / "config.toml") in stillhunt("config", "show").out.replace("\n", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[scan]\nfalse_discovry_rate = 0.01\n", "did you mean false_discovery_rate"),
        ("[scam]\nlake = 'x'\n", "did you mean scan"),
        ("[case.opne]\nlake = 'x'\n", "did you mean open"),
        ("[settings]\nanalist = 'x'\n", "did you mean analyst"),
        ("lake = 'x'\n", "outside of a table"),
        ("[scan\n", "not TOML"),
    ],
)
def test_a_slip_of_the_pen_is_named_in_one_line_with_the_file(stillhunt, configured, text, said):
    file = configured(text)
    done = stillhunt("formats")
    assert done.status == 2
    assert said in done.err
    assert str(file) in done.err
    assert len(done.err.splitlines()) == 1


def test_a_named_file_that_is_not_there_is_an_error(stillhunt, configured, monkeypatch, tmp_path):
    monkeypatch.setenv("STILLHUNT_CONFIG", str(tmp_path / "gone.toml"))
    assert "gone.toml" in stillhunt("formats").err
