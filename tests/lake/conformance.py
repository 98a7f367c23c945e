"""What every engine must answer: queries over small fixed tables, and the rows that must come out, literally.

An engine is conforming when it gives these rows for these queries. New SQL that something above the lake relies on gets a
case here first.
"""

# ruff: noqa: E501 - a query is read as one line

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from stillhunt.lake.engine import Dialect
from stillhunt.records import TIMESTAMP

LARGEST, SMALLEST = 2**63 - 1, -(2**63)
HASH_OF_SNOW = 0xBFDBEAC4CADA8C5


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Case:
    """One query: `sql` is written with an engine's dialect, `rows` are what it must give, in this order."""

    name: str
    sql: Callable[[Dialect], str]
    rows: list[tuple[Any, ...]]
    types: list[pa.DataType] | None = None
    tables: tuple[str, ...] = field(default=("calls", "people", "empty", "scripts"))


TABLES: dict[str, pa.Table] = {
    "calls": pa.table(
        {
            "id": ["a", "b", "c", "d", "e", "f"],
            "account": ["x", "x", "x", "y", "y", None],
            "started": pa.array(
                [at(2026, 3, 1, 23, 59, 59, 999999), at(2026, 3, 2), at(2026, 3, 2, 12, 30), at(1969, 12, 31, 23), at(2026, 3, 2), None],
                TIMESTAMP,
            ),
            "tokens": pa.array([10, 20, 40, 7, None, 5], pa.int64()),
            "status": pa.array([200, 429, 200, 200, 500, None], pa.int32()),
            "number": pa.array([LARGEST, SMALLEST, 0, -1, 1, None], pa.int64()),
            "sketch": pa.array([[3, 1, 3], [], None, [LARGEST, SMALLEST], [1, None], [2]], pa.list_(pa.int64())),
            "cut": [True, False, None, True, False, None],
        }
    ),
    "people": pa.table({"account": ["x", "y", "z", None], "plan": ["free", "paid", "paid", "none"]}),
    "empty": pa.table(
        {"account": pa.array([], pa.string()), "tokens": pa.array([], pa.int64()), "sketch": pa.array([], pa.list_(pa.int64()))}
    ),
    "scripts": pa.table(
        {"word": ["naïve", "снег", "雪が降る", "ثلج", "❄️ snow's", "", None, "a\\b", '100% "sure"'], "place": pa.array(range(9), pa.int64())}
    ),
}

CASES = [
    Case(
        "times as microseconds",
        lambda d: f"SELECT id, {d.epoch_us('started')} AS us FROM calls ORDER BY id",
        [
            ("a", 1772409599999999),
            ("b", 1772409600000000),
            ("c", 1772454600000000),
            ("d", -3600000000),
            ("e", 1772409600000000),
            ("f", None),
        ],
        [pa.string(), pa.int64()],
    ),
    Case(
        "times survive the way through microseconds",
        lambda d: f"SELECT id, {d.from_epoch_us(d.epoch_us('started'))} AS t FROM calls WHERE id IN ('a', 'd', 'f') ORDER BY id",
        [("a", at(2026, 3, 1, 23, 59, 59, 999999)), ("d", at(1969, 12, 31, 23)), ("f", None)],
        [pa.string(), TIMESTAMP],
    ),
    Case(
        "hours and days are those of UTC, before 1970 too",
        lambda d: f"SELECT id, {d.hour_utc('started')} AS h, {d.day_utc('started')} AS d FROM calls ORDER BY id",
        [("a", 23, 20513), ("b", 0, 20514), ("c", 12, 20514), ("d", 23, -1), ("e", 0, 20514), ("f", None, None)],
        [pa.string(), pa.int64(), pa.int64()],
    ),
    Case(
        "times compare and aggregate",
        lambda _: (
            "SELECT account, MIN(started) AS first_at, MAX(started) AS last_at FROM calls WHERE account IS NOT NULL GROUP BY account ORDER BY account"
        ),
        [("x", at(2026, 3, 1, 23, 59, 59, 999999), at(2026, 3, 2, 12, 30)), ("y", at(1969, 12, 31, 23), at(2026, 3, 2))],
        [pa.string(), TIMESTAMP, TIMESTAMP],
    ),
    Case(
        "nulls do not count, form a group of their own and come out as nulls",
        lambda _: (
            "SELECT account, COUNT(*) AS n, COUNT(tokens) AS known, SUM(tokens) AS total FROM calls GROUP BY account ORDER BY COALESCE(account, '~')"
        ),
        [("x", 3, 3, 70), ("y", 2, 1, 7), (None, 1, 1, 5)],
        [pa.string(), pa.int64(), pa.int64(), pa.int64()],
    ),
    Case(
        "comparison with null is unknown",
        lambda _: "SELECT id FROM calls WHERE status <> 200 OR cut ORDER BY id",
        [("a",), ("b",), ("d",), ("e",)],
    ),
    Case(
        "booleans stay booleans",
        lambda _: "SELECT id, cut, NOT cut AS uncut FROM calls ORDER BY id",
        [("a", True, False), ("b", False, True), ("c", None, None), ("d", True, False), ("e", False, True), ("f", None, None)],
        [pa.string(), pa.bool_(), pa.bool_()],
    ),
    Case(
        "division does not round",
        lambda _: "SELECT id, tokens / 8 AS part FROM calls WHERE tokens IN (20, 7) ORDER BY id",
        [("b", 2.5), ("d", 0.875)],
        [pa.string(), pa.float64()],
    ),
    Case("an average is a double", lambda _: "SELECT AVG(tokens) AS mean FROM calls WHERE account = 'x'", [(70 / 3,)], [pa.float64()]),
    Case(
        "explode gives one row for each element, nulls too, and none for empty and null lists",
        lambda d: f"SELECT id, gram FROM ({d.explode('calls', 'sketch', 'gram', ['id'])}) ORDER BY id, COALESCE(gram, 0)",
        [("a", 1), ("a", 3), ("a", 3), ("d", SMALLEST), ("d", LARGEST), ("e", None), ("e", 1), ("f", 2)],
        [pa.string(), pa.int64()],
    ),
    Case(
        "explode of a query keeps what it is told to keep",
        lambda d: d.explode("(SELECT account, tokens, sketch FROM calls WHERE id = 'f')", "sketch", "gram", ["account", "tokens"]),
        [(None, 5, 2)],
    ),
    Case(
        "explode without anything to keep",
        lambda d: f"SELECT SUM(g) AS s FROM ({d.explode('calls', 'sketch', 'g', [])}) WHERE g < 10 AND g > 0",
        [(10,)],
        [pa.int64()],
    ),
    Case(
        "quantiles lie between neighbours",
        lambda d: (
            f"SELECT account, {d.quantile('tokens', 0.25)} AS low, {d.median('tokens')} AS mid FROM calls WHERE account IS NOT NULL GROUP BY account ORDER BY account"
        ),
        [("x", 15.0, 20.0), ("y", 7.0, 7.0)],
        [pa.string(), pa.float64(), pa.float64()],
    ),
    Case("the quantile of nothing is null", lambda d: f"SELECT {d.median('tokens')} AS mid FROM empty", [(None,)], [pa.float64()]),
    Case(
        "windows number and look back",
        lambda d: (
            f"""SELECT id, ROW_NUMBER() OVER (PARTITION BY account ORDER BY started, id) AS place,
            {d.epoch_us("started")} - {d.epoch_us("LAG(started) OVER (PARTITION BY account ORDER BY started, id)")} AS gap
            FROM calls WHERE account IS NOT NULL ORDER BY id"""
        ),
        [("a", 1, None), ("b", 2, 1), ("c", 3, 45000000000), ("d", 1, None), ("e", 2, 1772413200000000)],
        [pa.string(), pa.int64(), pa.int64()],
    ),
    Case(
        "running sums over rows",
        lambda _: (
            "SELECT id, SUM(tokens) OVER (PARTITION BY account ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM calls WHERE account = 'x' ORDER BY id"
        ),
        [("a", 10), ("b", 30), ("c", 70)],
        [pa.string(), pa.int64()],
    ),
    Case(
        "ranks share places",
        lambda _: "SELECT id, RANK() OVER (ORDER BY status) AS place FROM calls WHERE status IS NOT NULL ORDER BY id",
        [("a", 1), ("b", 4), ("c", 1), ("d", 1), ("e", 5)],
    ),
    Case(
        "a join drops nulls",
        lambda _: "SELECT c.id, p.plan FROM calls c JOIN people p ON c.account = p.account WHERE c.tokens < 15 ORDER BY c.id",
        [("a", "free"), ("d", "paid")],
    ),
    Case(
        "a null-safe join keeps them",
        lambda _: (
            "SELECT c.id, p.plan FROM calls c JOIN people p ON c.account IS NOT DISTINCT FROM p.account WHERE c.tokens < 15 ORDER BY c.id"
        ),
        [("a", "free"), ("d", "paid"), ("f", "none")],
    ),
    Case(
        "outer joins give nulls",
        lambda _: (
            "SELECT p.account, c.id FROM people p LEFT JOIN calls c ON c.account = p.account AND c.status = 500 ORDER BY p.plan, COALESCE(p.account, '~')"
        ),
        [("x", None), (None, None), ("y", "e"), ("z", None)],
    ),
    Case(
        "anti-joins",
        lambda _: "SELECT plan FROM people p WHERE NOT EXISTS (SELECT 1 FROM calls c WHERE c.account = p.account) ORDER BY plan",
        [("none",), ("paid",)],
    ),
    Case(
        "64 bits go in and come out",
        lambda _: "SELECT id, number FROM calls WHERE number IN (9223372036854775807, -9223372036854775807 - 1) ORDER BY id",
        [("a", LARGEST), ("b", SMALLEST)],
        [pa.string(), pa.int64()],
    ),
    Case(
        "64 bits join",
        lambda _: "SELECT c.id FROM calls c JOIN calls o ON c.number = o.number ORDER BY c.id",
        [("a",), ("b",), ("c",), ("d",), ("e",)],
    ),
    Case(
        "texts in many scripts survive",
        lambda _: "SELECT word FROM scripts ORDER BY place",
        [("naïve",), ("снег",), ("雪が降る",), ("ثلج",), ("❄️ snow's",), ("",), (None,), ("a\\b",), ('100% "sure"',)],
        [pa.string()],
    ),
    Case(
        "texts are written as they are, quotes and backslashes too",
        lambda d: (
            "SELECT place FROM scripts WHERE "
            + " OR ".join(f"word = {d.text(word)}" for word in ("❄️ snow's", "a\\b", '100% "sure"', ""))
            + " ORDER BY place"
        ),
        [(4,), (5,), (7,), (8,)],
    ),
    Case(
        "lengths count characters",
        lambda _: "SELECT place, LENGTH(word) AS n, SUBSTR(word, 1, 2) AS start FROM scripts WHERE place < 4 ORDER BY place",
        [(0, 5, "na"), (1, 4, "сн"), (2, 4, "雪が"), (3, 3, "ثل")],
        [pa.int64(), pa.int64(), pa.string()],
    ),
    Case(
        "regular expressions extract a group, '' when there is none, null of null",
        lambda d: (
            f"SELECT place, {d.extract('word', '([a-z]+)[^a-z]+([a-z]+)', 2)} AS w FROM scripts WHERE place IN (0, 1, 4, 6) ORDER BY place"
        ),
        [(0, "ve"), (1, ""), (4, "s"), (6, None)],
        [pa.int64(), pa.string()],
    ),
    Case(
        "regular expressions know a backslash and a quote",
        lambda d: (
            f"SELECT {d.extract('word', chr(92) * 2 + '(b)', 1)} AS b, {d.extract('word', '.+', 0)} AS all_of_it FROM scripts WHERE place = 7"
        ),
        [("b", "a\\b")],
    ),
    Case(
        "every match is replaced",
        lambda d: f"SELECT {d.replace_all('word', '[aeiou]', '*')} AS w FROM scripts WHERE place IN (4, 7, 6) ORDER BY place",
        [("❄️ sn*w's",), (None,), ("*\\b",)],
    ),
    Case(
        "regular expressions match anywhere",
        lambda d: f"SELECT place FROM scripts WHERE {d.matches('word', '[0-9]+%')} OR {d.matches('word', '^$')} ORDER BY place",
        [(5,), (8,)],
    ),
    Case(
        "hashes are the same everywhere",
        lambda d: f"SELECT {d.hash64(d.text('abc'))} AS a, {d.hash64(d.text('снег'))} AS b, {d.hash64('CAST(NULL AS STRING)')} AS c",
        [(0x900150983CD24FB, HASH_OF_SNOW, None)],
        [pa.int64(), pa.int64(), pa.int64()],
    ),
    Case(
        "buckets are the hash's remainder", lambda d: f"SELECT {d.bucket(d.text('abc'), 8)} AS b", [(0x900150983CD24FB % 8,)], [pa.int64()]
    ),
    Case(
        "lists have a length",
        lambda d: f"SELECT id, {d.list_length('sketch')} AS n FROM calls ORDER BY id",
        [("a", 3), ("b", 0), ("c", None), ("d", 2), ("e", 2), ("f", 1)],
        [pa.string(), pa.int64()],
    ),
    Case(
        "lists lose repetitions and nulls",
        lambda d: (
            f"SELECT id, gram FROM ({d.explode('(SELECT id, ' + d.list_distinct('sketch') + ' AS s FROM calls)', 's', 'gram', ['id'])}) ORDER BY id, gram"
        ),
        [("a", 1), ("a", 3), ("d", SMALLEST), ("d", LARGEST), ("e", 1), ("f", 2)],
    ),
    Case(
        "lists are searched",
        lambda d: f"SELECT id, {d.list_contains('sketch', '3')} AS has FROM calls WHERE id <> 'e' ORDER BY id",
        [("a", True), ("b", False), ("c", None), ("d", False), ("f", False)],
        [pa.string(), pa.bool_()],
    ),
    Case(
        "lists overlap",
        lambda d: f"SELECT o.id, {d.list_overlap('c.sketch', 'o.sketch')} AS n FROM calls c JOIN calls o ON c.id = 'a' ORDER BY o.id",
        [("a", 2), ("b", 0), ("c", None), ("d", 0), ("e", 1), ("f", 0)],
        [pa.string(), pa.int64()],
    ),
    Case(
        "values are collected once, in order, without nulls",
        lambda d: f"SELECT account, {d.list_length(d.collect('status'))} AS n FROM calls GROUP BY account ORDER BY COALESCE(account, '~')",
        [("x", 2), ("y", 2), (None, 0)],
    ),
    Case(
        "an empty table sums to null and counts to zero",
        lambda _: "SELECT COUNT(*) AS n, SUM(tokens) AS s, MAX(account) AS m FROM empty",
        [(0, None, None)],
        [pa.int64(), pa.int64(), pa.string()],
    ),
    Case(
        "an empty table groups to nothing and explodes to nothing",
        lambda d: f"SELECT account, COUNT(*) AS n FROM ({d.explode('empty', 'sketch', 'g', ['account'])}) GROUP BY account",
        [],
        [pa.string(), pa.int64()],
    ),
    Case(
        "an empty table joins",
        lambda _: "SELECT p.plan, e.tokens FROM people p LEFT JOIN empty e ON e.account = p.account WHERE p.account = 'x'",
        [("free", None)],
    ),
    Case(
        "unions keep repetitions",
        lambda _: "SELECT status FROM calls WHERE id = 'a' UNION ALL SELECT status FROM calls WHERE id = 'c'",
        [(200,), (200,)],
        [pa.int64()],
    ),
    Case(
        "distinct counts",
        lambda _: "SELECT COUNT(DISTINCT status) AS n, COUNT(DISTINCT account) AS a FROM calls",
        [(3, 2)],
        [pa.int64(), pa.int64()],
    ),
    Case(
        "a null literal is a text",
        lambda _: "SELECT NULL AS nothing, CAST(3 AS DOUBLE) AS three",
        [(None, 3.0)],
        [pa.string(), pa.float64()],
    ),
    Case(
        "the lesser of two, the greater, logarithms",
        lambda _: "SELECT LEAST(3, 2) AS l, GREATEST(3, 2) AS g, ABS(-4) AS a, LN(1.0) AS z",
        [(2, 3, 4, 0.0)],
        [pa.int64(), pa.int64(), pa.int64(), pa.float64()],
    ),
    Case(
        "logarithms to base two, whole parts, remainders",
        lambda _: (
            "SELECT LOG2(CAST(8 AS DOUBLE)) AS l, CAST(FLOOR(CAST(-2.5 AS DOUBLE)) AS BIGINT) AS f, MOD(-7, 3) AS m, -7 % 3 AS r, MOD(7, -3) AS n, -tokens AS minus FROM calls WHERE id = 'a'"
        ),
        [(3.0, -3, -1, -1, 1, -10)],
        [pa.float64(), pa.int64(), pa.int64(), pa.int64(), pa.int64(), pa.int64()],
    ),
    Case(
        "texts are joined, nulls make null",
        lambda _: (
            "SELECT id || '/' || account AS both, CONCAT(id, LOWER('SNÖ')) AS word, CAST(tokens AS STRING) || '!' AS n FROM calls WHERE id IN ('a', 'f') ORDER BY id"
        ),
        [("a/x", "asnö", "10!"), (None, "fsnö", "5!")],
        [pa.string(), pa.string(), pa.string()],
    ),
    Case(
        "texts are like a pattern",
        lambda _: "SELECT place FROM scripts WHERE word LIKE '%sn%' OR word LIKE 'na_ve' ORDER BY place",
        [(0,), (4,)],
    ),
    Case(
        "texts are no templates, whatever they hold",
        lambda d: f"SELECT {d.text('${user.home} $1 {x} ?')} AS word, {d.replace_all(d.text('a-b'), '-', '$0')} AS swapped",
        [("${user.home} $1 {x} ?", "a$0b")],
    ),
    Case(
        "a divisor of nothing is nothing",
        lambda _: (
            "SELECT id, CAST(tokens AS DOUBLE) / NULLIF(CAST(status - 200 AS DOUBLE), 0) AS ratio FROM calls WHERE id IN ('a', 'b') ORDER BY id"
        ),
        [("a", None), ("b", 20 / 229)],
        [pa.string(), pa.float64()],
    ),
    Case(
        "full joins keep both sides",
        lambda _: (
            """WITH c AS (SELECT account, COUNT(*) AS n FROM calls GROUP BY account)
            SELECT COALESCE(c.account, p.account, '~') AS account, c.n, p.plan FROM c FULL OUTER JOIN people p ON c.account = p.account
            ORDER BY COALESCE(c.account, p.account, '~'), COALESCE(p.plan, '~')"""
        ),
        [("x", 3, "free"), ("y", 2, "paid"), ("z", None, "paid"), ("~", None, "none"), ("~", 1, None)],
    ),
    Case(
        "subqueries give a value, a set, a product",
        lambda _: (
            """SELECT c.id, p.plan FROM (SELECT DISTINCT id FROM calls WHERE started >= (SELECT MAX(started) FROM calls)) c
            CROSS JOIN (SELECT plan FROM people WHERE account IN (SELECT account FROM calls)) p ORDER BY p.plan"""
        ),
        [("c", "free"), ("c", "paid")],
    ),
    Case(
        "the first few of an order",
        lambda _: "SELECT id, LEAD(id) OVER (ORDER BY id DESC) AS later FROM calls ORDER BY id DESC LIMIT 2",
        [("f", "e"), ("e", "d")],
    ),
    Case(
        "whole numbers become doubles beyond 53 bits as near as they can",
        lambda _: "SELECT CAST(number AS DOUBLE) AS d, CAST(CAST(2.5 AS DOUBLE) AS INTEGER) AS whole FROM calls WHERE id = 'a'",
        [(float(LARGEST), 2)],
        [pa.float64(), pa.int64()],
    ),
    Case(
        "with, having, case",
        lambda _: (
            """WITH busy AS (SELECT account, COUNT(*) AS n FROM calls GROUP BY account HAVING COUNT(*) > 1)
            SELECT account, CASE WHEN n > 2 THEN 'many' ELSE 'few' END AS much FROM busy ORDER BY account"""
        ),
        [("x", "many"), ("y", "few")],
    ),
]
