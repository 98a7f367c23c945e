"""How a run ends: every exception becomes an exit status and at most one line on stderr."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import sys
import traceback
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from stillhunt import __version__
from stillhunt.cli import configuration
from stillhunt.cli.settings import debugging
from stillhunt.errors import StillhuntError

DONE = 0
FOUND = 1
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, what a shell expects of Ctrl-C
_COMPLETE = "_STILLHUNT_COMPLETE"
"""What a shell's completion script sets when it asks for words."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on `arguments` (default: the process's own) and return the exit status. Never raises.

    A reader that has seen enough (`stillhunt formats | head -1`) ends the run quietly, with status 0.
    """
    status = _run(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    return status


def _run(arguments: Sequence[str] | None) -> int:
    from stillhunt.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal without "█" shows "?", and the run goes on
    log = logging.getLogger("stillhunt")
    if not any(isinstance(handler, _Spoken) for handler in log.handlers):
        log.addHandler(_Spoken(logging.WARNING))
        log.propagate = False
    command = typer.main.get_command(app)
    if arguments is None and _COMPLETE in os.environ:
        command.main(prog_name="stillhunt")  # a shell asks what could come next; it leaves by itself
    try:
        # not command.main(): it has its own ideas of how interruptions and broken pipes end
        given = configuration.read()
        configuration.apply(given)
        options = configuration.option_defaults(given, command)
        with command.make_context("stillhunt", list(sys.argv[1:] if arguments is None else arguments), default_map=options) as context:
            command.invoke(context)
    except typer.Exit as leaving:
        return leaving.exit_code
    except BrokenPipeError as error:
        if not _nobody_reads():
            return _defect(error)
        _silence_stdout()
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted; what was already written is complete and the same command goes on from there")
        return INTERRUPTED
    except StillhuntError as error:
        _say(str(error))
        return BAD_INPUT
    except TyperException as error:
        return _usage(error)
    except Exception as error:
        return _defect(error)
    return DONE


class _Spoken(logging.Handler):
    """Warnings of the product's own rooms, each as one line on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it as everything else is said."""
        _say(record.getMessage())


def complain(problems: Sequence[str]) -> None:
    """One line on stderr for each problem of a run that went on regardless."""
    for problem in problems:
        _say(problem)


def _usage(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "stillhunt"
    message = error.format_message()
    if message:
        if message == context_help(context):
            sys.stderr.write(message + "\n")  # a group called without a command: its help is the answer
        else:
            _say(f"{' '.join(message.split()).rstrip('.')}; see `{path} --help`")
    return BAD_INPUT


def context_help(context: typer.Context | None) -> str | None:
    """The help text of the command that `context` belongs to."""
    return context.get_help() if context is not None else None


def _defect(error: Exception) -> int:
    if debugging():
        traceback.print_exc()
    where = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(where[-1].filename)}:{where[-1].lineno}" if where else "?"  # noqa: PTH119  # may be no path
    _say(
        f"this is a defect of Stillhunt {__version__} ({type(error).__name__} at {place}): your data is unharmed; "
        "run again with STILLHUNT_DEBUG=1 for the traceback and report it"
    )
    return BAD_INPUT


def _say(message: str) -> None:
    from stillhunt.cases.wording import visible  # with it come tables and schemas, which `--help` does without

    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"stillhunt: {visible(message, 1_000)}\n")
        sys.stderr.flush()


def _nobody_reads() -> bool:
    """Whether it is standard output whose other end is closed, and not a pipe of ours."""
    try:
        asked = select.poll()
        asked.register(sys.stdout.fileno(), 0)
        return bool(asked.poll(0))
    except (AttributeError, OSError, ValueError):  # no poll here, or no real stream: believe what was said
        return True


def _silence_stdout() -> None:
    """Point stdout at nothing, or the interpreter complains about the broken pipe once more while it shuts down."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
