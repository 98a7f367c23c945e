import pytest

from stillhunt.cli.networks import VARIABLE, network_kinds, read_ranges
from stillhunt.errors import InputError


@pytest.fixture
def ranges(tmp_path):
    path = tmp_path / "ranges.txt"
    path.write_text("# ours\n198.51.100.0/22 vpn\n198.51.100.0/24 hosting # narrower\n\n2001:db8::/32 mobile\n")
    return path


def test_the_narrowest_range_that_holds_a_prefix_counts(ranges):
    kind_of = read_ranges(ranges)
    assert kind_of("198.51.100.0/24") == "hosting"
    assert kind_of("198.51.101.0/24") == "vpn"
    assert kind_of("2001:db8:1::/48") == "mobile"
    assert kind_of("192.0.2.0/24") is None
    assert kind_of("no address") is None


def test_a_range_narrower_than_the_prefix_says_nothing_about_it(tmp_path):
    path = tmp_path / "ranges.txt"
    path.write_text("203.0.113.128/25 hosting\n")
    assert read_ranges(path)("203.0.113.0/24") is None


@pytest.mark.parametrize("line", ["203.0.113.0/24", "hosting 203.0.113.0/24", "203.0.113.0/99 vpn"])
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "ranges.txt"
    path.write_text(f"192.0.2.0/24 vpn\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        read_ranges(path)


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_ranges(tmp_path / "none")


def test_the_setting_decides(ranges, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert network_kinds() is None
    monkeypatch.setenv(VARIABLE, str(ranges))
    assert network_kinds()("198.51.100.0/24") == "hosting"
