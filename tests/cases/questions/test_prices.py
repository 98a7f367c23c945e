"""A price list prices what it names, when it is valid, and says what it does not price."""

import numpy as np
import pyarrow as pa
import pytest

from stillhunt.cases.questions.prices import priced, read_prices
from stillhunt.errors import InputError

DAY = 86_400_000_000
LIST = """
currency = "USD"
[[price]]
model = "large-1"
input = 3.0
output = 15.0
cached = 0.5
until = 1970-01-03
[[price]]
model = "large-*"
input = 4.0
output = 20.0
reasoning = 20.0
from = 1970-01-03
"""


def given(tmp_path, text):
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return read_prices(path)


def spent(prices, models, days, **tokens):
    size = len(models)
    columns = {kind: np.array(tokens.get(kind, [np.nan] * size), float) for kind in ("input", "cached", "output", "reasoning")}
    return {one.model: one for one in priced(prices, pa.chunked_array([pa.array(models, pa.string())]), np.array(days) * DAY, columns)}


def test_each_call_is_priced_by_its_model_and_its_day(tmp_path):
    prices = given(tmp_path, LIST)
    found = spent(
        prices,
        ["large-1", "large-1", "large-2"],
        [1, 2, 1],
        input=[1e6, 1e6, 1e6],
        output=[1e6, 1e6, 1e6],
        cached=[4e5, 0, 0],
        reasoning=[0, 5e5, 0],
    )
    # day 1: 0.6 M input at 3, 0.4 M cached at 0.5, 1 M output at 15; day 2: 1 M at 4, 1 M at 20, half a million of reasoning at 20
    assert found["large-1"].amount == pytest.approx(1.8 + 0.2 + 15 + 4 + 20 + 10)
    assert (found["large-1"].priced, found["large-1"].calls) == (2, 2)
    assert found["large-2"].amount is None


def test_a_default_prices_whatever_has_no_price_and_unknown_tokens_are_not_priced(tmp_path):
    prices = given(tmp_path, 'currency = "EUR"\n[default]\ninput = 1\noutput = 2\n')
    found = spent(prices, ["any", None, "any"], [0, 0, 0], input=[1e6, 1e6, np.nan], output=[1e6, 0, 1e6])
    assert found["any"].amount == 3
    assert (found["any"].priced, found["any"].calls) == (1, 2)
    assert found["not named"].amount == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency = 5", "currency is missing"),
        ('currency = "USD"', "holds no price"),
        ('currency = "USD"\ncolour = 1', "colour is not known here"),
        ('currency = "USD"\n[[price]]\ninput = 1\noutput = 1', "price 1: model is missing"),
        ('currency = "USD"\n[[price]]\nmodel = "a"\ninput = -1\noutput = 1', "price 1: input must be the price"),
        ('currency = "USD"\n[[price]]\nmodel = "a"\ninput = true\noutput = 1', "price 1: input must be the price"),
        ('currency = "USD"\n[[price]]\nmodel = "a"\ninput = 1', "price 1: output is missing"),
        ('currency = "USD"\n[default]\ninput = 1\noutput = 1\nfrom = "may"', "default: from must be a date"),
        ('currency = "USD"\n[default]\ninput = 1\noutput = 1\nfrom = 2026-05-02\nuntil = 2026-05-01', "until must lie after from"),
        ("currency = ", "not TOML"),
        ("currency = " + "[" * 5_000, "not TOML"),
        ('currency = "USD"\n[default]\ninput = nan\noutput = 1', "default: input must be the price"),
    ],
)
def test_a_list_that_means_nothing_is_refused_with_the_place(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as error:
        given(tmp_path, text)
    assert "prices.toml" in str(error.value)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_prices(tmp_path / "nowhere.toml")
