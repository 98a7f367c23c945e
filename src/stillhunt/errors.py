"""The errors that reach a person.

Every error that a user can cause derives from `StillhuntError`. The command line prints its one line
(what, where, what to do) and exits with status 2; a traceback means a defect of ours.
"""

from __future__ import annotations


class StillhuntError(Exception):
    """Something the user gave cannot be used. `str()` is one line: what, where, what to do."""


class InputError(StillhuntError):
    """A source of logs cannot be read at all: missing, unreadable, truncated, not a log, wrong column type."""


class BadRow(Exception):  # noqa: N818 - it reads as what it is: a row, set aside
    """One record cannot become an interaction. It is quarantined with `str(self)` as reason; the run goes on.

    The reason never contains text, identifiers or other values of the record: it goes to counters and screens.
    """


class UnknownCaller(BadRow):
    """A call that a gateway refused since it knew nobody by its credentials: nothing is wrong with the record, but it is no account's.

    Raised by formats, counted apart from bad rows. Were each unknown credential an account, whoever tries 1,500 keys
    would add 1,500 accounts to the population.
    """
