"""What the observations that most channels are made of promise."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from handmade import at, call, digest_of

from stillhunt.channels import table_of
from stillhunt.channels.observing import coded, measured, on_account, on_most_calls


def rows(digest, observed):
    return table_of([observed], digest).to_pylist()


def networks(*prefixes, account="one"):
    return [call(account, hour, client_prefix=prefix) for hour, prefix in enumerate(prefixes)]


def test_the_most_frequent_value_is_observed_with_its_share_and_dated_by_the_accounts_calls():
    digest = digest_of(networks("api", "chat", "api", None, "api"))
    (row,) = rows(digest, on_most_calls(digest, "x", digest.networks))
    assert (row["value"], row["occurrences"], row["share"]) == ("api", 3, 0.75)
    assert (row["first_at"], row["last_at"]) == (at(0), at(4))


@pytest.mark.parametrize("order", [("b", "a"), ("a", "b"), ("b", "a", "a", "b")])
def test_a_tie_goes_to_the_first_by_name_whatever_the_order_of_calls(order):
    digest = digest_of(networks(*order))
    assert on_most_calls(digest, "x", digest.networks).values.to_pylist() == ["a"]


def test_accounts_whose_calls_never_show_a_value_are_not_observed():
    digest = digest_of(networks(None, None))
    assert on_most_calls(digest, "x", digest.networks).accounts.size == 0


def test_what_stands_on_an_account_is_observed_once_and_dated_by_its_sign_up():
    people = [{"account_id": "a", "plan": "pro", "created_at": at(-30)}, {"account_id": "b"}, {"account_id": "c", "plan": "free"}]
    digest = digest_of([call("a"), call("a"), call("b"), call("c")], people)
    known, undated = rows(digest, on_account(digest, "x", "plan"))
    assert (known["account_id"], known["value"], known["occurrences"], known["share"]) == ("a", "pro", 1, 1.0)
    assert known["first_at"] == known["last_at"] == at(-30)
    assert (undated["account_id"], undated["first_at"], undated["last_at"]) == ("c", None, None)


def test_values_that_a_pattern_makes_equal_become_one():
    people = [{"account_id": account, "email_shape": shape} for account, shape in (("a", "a6d2"), ("b", "a11d2"), ("c", "a6d3"))]
    digest = digest_of([call("a"), call("b"), call("c")], people)
    values = on_account(digest, "x", "email_shape", pattern="a[0-9]+", replacement="a").values
    assert values.to_pylist() == ["ad2", "ad2", "ad3"]
    assert values.dictionary.to_pylist() == ["ad2", "ad3"]


def test_codes_of_equal_words_become_one_and_words_that_do_not_occur_are_left_out():
    array = coded(np.array([4, 0, 2, 4]), pa.array(["b", "never", "a", "nor this", "b"]))
    assert array.to_pylist() == ["b", "b", "a", "b"]
    assert array.dictionary.to_pylist() == ["a", "b"]


def test_only_numbers_that_are_known_are_observed():
    digest = digest_of([call("a"), call("b"), call("c", 7)])
    observed = measured(digest, "x", np.array([1.0, np.nan, 3.0]), np.array([False, True, True]), np.array([5, 6, 7]))
    (row,) = rows(digest, observed)
    assert (row["account_id"], row["value"], row["occurrences"], row["share"], row["first_at"]) == ("c", "3", 7, 1.0, at(7))
