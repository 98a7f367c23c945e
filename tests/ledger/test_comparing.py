import random

import pytest

from stillhunt.ledger.comparing import differences

SIGNED = [bytes([n]) * 32 for n in range(8)]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (SIGNED, []),
        ([*SIGNED[:3], b"x" * 32, *SIGNED[4:]], [(3, "was changed")]),
        (SIGNED[:3] + SIGNED[5:], [(3, "was removed"), (4, "was removed")]),
        ([*SIGNED[:3], b"x" * 32, b"y" * 32, *SIGNED[3:]], [(3, "2 inserted before it")]),
        ([b"x" * 32, *SIGNED[:6], *SIGNED[7:]], [(0, "1 inserted before it"), (6, "was removed")]),
        ([], [(n, "was removed") for n in range(8)]),
    ],
)
def test_what_became_of_each_entry_is_told(found, told):
    assert differences(SIGNED, found) == told


def test_reordered_entries_are_not_called_changed():
    mixed = SIGNED[:2] + SIGNED[5:6] + SIGNED[3:5] + SIGNED[2:3] + SIGNED[6:]
    assert [(index, "reordered" in what) for index, what in differences(SIGNED, mixed)] == [(2, True), (5, True)]


def test_a_great_mess_is_summed_up():
    chance = random.Random(1)
    found = [chance.randbytes(32) for _ in range(3_000)]
    assert len(differences(SIGNED * 400, found)) == 1
