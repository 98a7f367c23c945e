"""The documentation keeps its promises: everything is documented, no link is broken, examples run, pages are fresh."""

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pyarrow as pa
import pytest

from stillhunt.channels import table_of
from stillhunt.channels.digest.taking import in_memory
from stillhunt.cli import reference
from stillhunt.cli.catalogue import sees
from stillhunt.cli.settings import SETTINGS
from stillhunt.intake.formats import Context, Sample
from stillhunt.records import INTAKE_INTERACTIONS, TIMESTAMP

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
NOUNS = (
    "interaction",
    "account",
    "organization",
    "fingerprint",
    "observation",
    "channel",
    "link",
    "pool",
    "campaign",
    "exposure",
    "entitlement",
    "decision",
    "case",
    "evidence bundle",
    "ledger",
    "range",
    "suspect",
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that a heading gets on the usual forges: lower case, punctuation dropped, spaces as hyphens."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_reference_pages_are_fresh(name):
    assert (DOCS / "reference" / name).read_text() == reference.pages()[name], "stale: run `make docs`"


def test_every_command_and_option_is_documented():
    text = (DOCS / "reference" / "commands.md").read_text()
    for path, command in reference.commands():
        section = text.split(f"\n## {path}\n")[1].split("\n## ")[0]
        assert command.help, f"{path} has no help"
        for parameter in command.params:
            if parameter.name == "help":
                continue
            assert parameter.help, f"{path}: {parameter.name} has no help"
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert f"`{option}`" in section


def test_every_command_speaks_json():
    for path, command in reference.commands():
        assert any("--json" in parameter.opts for parameter in command.params), path


def test_every_command_is_mentioned_in_the_course():
    course = " ".join(page.read_text() for page in (*DOCS.glob("*.md"), ROOT / "README.md"))
    for path, _ in reference.commands():
        assert path in course, path


def test_every_setting_is_declared_and_documented():
    used: set[str] = set()
    for source in (ROOT / "src").rglob("*.py"):
        used.update(re.findall(r"(?<!_)STILLHUNT_[A-Z_]+", source.read_text()))
    assert used == set(SETTINGS)
    documented = (DOCS / "reference" / "settings.md").read_text()
    assert all(f"`{name}`" in documented for name in SETTINGS)


@pytest.mark.parametrize("group", ["formats", "channels"])
def test_every_entry_point_is_documented_and_loads(group):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][f"stillhunt.{group}"]
    documented = (DOCS / "reference" / f"{group}.md").read_text()
    loaded = {entry.name: entry.load() for entry in entry_points(group=f"stillhunt.{group}")}
    for name in declared:
        assert f"\n## {name}\n" in documented, name
        assert loaded[name].name == name


def test_every_format_is_in_the_course():
    course = (DOCS / "formats.md").read_text()
    for entry in entry_points(group="stillhunt.formats"):
        assert f"`{entry.name}`" in course


def test_the_index_of_logs_says_of_every_format_what_it_declares():
    """One row a format: its name, and yes or no for each question of `stillhunt formats`."""
    page = (DOCS / "logs" / "index.md").read_text()
    rows = {cells[2].strip("`"): cells[3:-1] for line in page.splitlines() if (cells := [cell.strip() for cell in line.split("|")])[2:]}
    groups = rows.pop("name")
    rows.pop("---")
    formats = {entry.name: entry.load() for entry in entry_points(group="stillhunt.formats")}
    assert rows.keys() == formats.keys()
    for name, form in formats.items():
        assert rows[name] == ["yes" if sees(form.sees)[group] else "no" for group in groups], name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_relative_link_is_broken(page):
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} does not exist"
        assert file.is_relative_to(ROOT), f"{target} leaves the project"
        if anchor:
            assert anchor in anchors(file), f"{target}: no such heading"


def test_every_page_can_be_reached_from_the_index():
    seen, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [(page.parent / t.partition("#")[0]).resolve() for t in LINK.findall(prose(page)) if not re.match(r"[a-z]+:|#", t)]
    assert set(DOCS.rglob("*.md")) <= seen


def test_the_glossary_has_every_noun():
    rows = re.findall(r"^\| ([a-z ]+) \| \S", (DOCS / "glossary.md").read_text(), flags=re.MULTILINE)
    assert set(NOUNS) <= set(rows)


def test_findings_are_documented_field_by_field():
    from stillhunt.records import Campaign, Evidence, Findings, Member, Pool, SharedObservation, Visibility

    text = (DOCS / "findings.md").read_text()
    for model in (Findings, Campaign, Evidence, Member, Pool, SharedObservation, Visibility):
        for name, field in model.model_fields.items():
            assert f"`{field.alias or name}`" in text, f"{model.__name__}.{name}"


def test_canonical_columns_are_documented():
    from stillhunt.records import CANONICAL_ACCOUNTS, CANONICAL_INTERACTIONS, ENTITLEMENTS

    text = (DOCS / "formats.md").read_text()
    for schema in (CANONICAL_INTERACTIONS, CANONICAL_ACCOUNTS, ENTITLEMENTS):
        for name in schema.names:
            assert re.search(rf"\b{name}\b", text), name


def example(position: int) -> dict:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL)[position]
    namespace: dict = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), namespace)
    return namespace


def test_the_example_of_a_format_works():
    form = example(0)["FORMAT"]
    record = {"call": "c1", "customer": "acct-1", "at_ms": 1_777_000_000_000, "prompt": "hello"}
    assert form.sniff(Sample("x.jsonl", "lines", [record])) == 1.0
    assert form.sniff(Sample("x.jsonl", "lines", [{"a": 1}])) == 0.0
    [(table, row)] = form.read(record, Context())
    assert table == "interactions"
    assert set(row) <= set(INTAKE_INTERACTIONS.names)
    with pytest.raises(Exception, match="at_ms"):
        list(form.read({"call": "c1", "customer": "a", "at_ms": True}, Context()))


def test_the_example_of_a_channel_works():
    channel = example(1)["CHANNEL"]
    people = pa.table({"account_id": ["acct-1"], "referral": ["CODE"], "created_at": pa.array([None], TIMESTAMP)})
    calls = pa.table({"account_id": ["acct-1"], "started_at": pa.array([0], TIMESTAMP)})
    digest = in_memory(calls, people)
    rows = table_of(channel.observe(digest), digest).to_pylist()
    assert [(row["account_id"], row["channel"], row["value"]) for row in rows] == [("acct-1", "referral.code", "CODE")]
    assert channel.describe("referral.code", "CODE") == "the referral code CODE"
