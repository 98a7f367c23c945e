"""Coverage by file: the suite fails when one file of the product is hardly tested, however good the average. One Spark for all tests."""

from collections.abc import Iterator

import pytest

FLOOR = 75.0  # per cent of each file's lines and branches; the average is checked by pytest-cov (Makefile)


def _below_floor(config: pytest.Config) -> list[tuple[float, str]] | None:
    plugin = config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is None or config.option.file_or_dir or config.option.keyword or config.option.markexpr:
        return None  # part of the suite covers part of the product
    measured = controller.combining_cov or controller.cov
    found = []
    for path in measured.get_data().measured_files():
        numbers = measured._analyze(path).numbers
        if numbers.n_statements and numbers.pc_covered < FLOOR:
            found.append((numbers.pc_covered, path))
    return sorted(found)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.exitstatus == pytest.ExitCode.OK and _below_floor(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    below = _below_floor(config)
    if below is None:
        return
    terminalreporter.section(f"coverage by file: floor {FLOOR:.0f} %")
    for share, path in below:
        terminalreporter.line(f"{share:5.1f} %  {path}")
    if not below:
        terminalreporter.line("every file is above it")


@pytest.fixture(scope="session")
def spark() -> Iterator[None]:
    """Keeps one Spark running: it takes seconds to start, and engines that are opened join it."""
    from stillhunt.lake.engines.spark.session import shared

    # a short life: few partitions, one collector of garbage, no second compiler
    options = {"spark.sql.shuffle.partitions": "2", "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}
    with shared(master="local[2]", memory="1g", options=options):
        yield
