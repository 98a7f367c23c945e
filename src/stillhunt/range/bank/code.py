# ruff: noqa: E501 - one pattern a line reads best
"""Code that people paste and models write: small functions in several languages, errors, and talk about them."""

from __future__ import annotations

VOCABULARY: dict[str, tuple[str, ...]] = {
    "noun": ("order", "user", "cart", "invoice", "token", "session", "event", "batch", "node", "edge", "row", "cell", "page", "frame", "chunk", "shard", "queue", "ticket", "sensor", "route", "price", "job", "lease", "signal", "widget", "tile", "label", "vector", "matrix", "buffer", "stream", "cursor", "record", "entry", "bucket", "cache", "slot", "region", "zone", "plan", "quota", "score", "review"),
    "verb": ("load", "parse", "merge", "filter", "group", "flush", "retry", "encode", "decode", "resolve", "validate", "render", "schedule", "collect", "normalise", "split", "rotate", "publish", "rank", "fetch", "hash", "sort", "trim", "map", "sync", "archive", "expire", "compress"),
    "field": ("id", "name", "total", "created_at", "status", "size", "count", "owner", "region", "weight", "offset", "kind", "label", "rate", "score", "depth", "parent", "index", "key"),
    "n": tuple(str(number) for number in (0, 1, 2, 3, 4, 5, 7, 8, 10, 12, 15, 16, 20, 24, 30, 32, 50, 60, 64, 90, 100, 128, 200, 256, 365, 500, 512, 1000, 1024)),
    "lib": ("pandas", "numpy", "fastapi", "django", "flask", "react", "express", "spring", "rails", "tokio", "pydantic", "sqlalchemy", "vue", "angular", "terraform", "docker", "postgres", "redis"),
    "error": (
        "KeyError: '{field}'", "TypeError: [unsupported operand|'NoneType' object is not iterable|expected str, got {noun}]", "undefined is not a function",
        "IndexError in {verb}_{noun}", "segfault after {n} {noun}s", "timeout after {n}s", "null pointer at {noun}.{field}", "borrow of moved value: `{noun}`",
        "ValueError: could not {verb} {noun}", "connection refused on port {n}{n}", "deadlock while trying to {verb}", "duplicate key {field}={n}",
        "cannot find symbol {verb}{noun}", "cyclic import {noun} -> {noun}", "assertion failed: {field} == {n}", "[401|403|404|500|502] from /{noun}s/{n}",
    ),
}  # fmt: skip

SNIPPETS = (
    "def {verb}_{noun}({noun}s, {field}={n}):\n    out = ⟦⟧\n    for {noun} in {noun}s:\n        if {noun}.{field} [>|<|==|!=] {n}:\n            out.append({verb}({noun}))\n    return out",
    "function {verb}({noun}, {field}) ⦃\n  return {noun}.{verb}(x => x.{field} [===|<|>=] {n});\n⦄",
    "SELECT {field}, count(*) FROM {noun}s [JOIN {noun}s USING ({field})|WHERE {field} > {n}] GROUP BY {field} [ORDER BY {field} DESC|HAVING count(*) > {n}|LIMIT {n}]",
    "class {noun}Store:\n    def __init__(self, {field}: int = {n}) -> None:\n        self.{noun}s = ⦃⦄\n        self.{field} = {field}\n\n    def {verb}(self, {noun}):\n        self.{noun}s⟦{noun}.{field}⟧ = {noun}",
    "fn {verb}_{noun}({noun}s: &⟦{noun}⟧) -> [Option<usize>|usize|bool|u64] ⦃\n    {noun}s.iter().[position|any|filter|rposition](⟐{noun}⟐ {noun}.{field} [>|==|<] {n})\n⦄",
    "for {field} in range({n}):\n    {noun} = {verb}({field}, {field}=[i|j|k|n] % {n})\n    print({noun}⟦{field}⟧)",
    "const {noun} = await {verb}({n});\nif (!{noun}.{field}) throw new Error('{noun} {field}');",
    "with open('{noun}.[csv|json|txt]') as handle:\n    {noun}s = ⟦{verb}({field}) for {field} in {noun}s if '{field}' in {field}⟧",
    "public int {verb}({noun}⟦⟧ {noun}s) ⦃\n    int {field} = {n};\n    while ({field} < {noun}s.length) {field} += {n};\n    return {field};\n⦄",
    "try:\n    {verb}_{noun}({n})\nexcept {noun}Error:\n    logger.warning('{verb} {noun} %s', {field})",
)  # fmt: skip

REQUESTS = (
    "why [does|is] {verb}_{noun} [return|give|raise|print] [None|{error}|the wrong {field}|{n}]?", "getting {error} [when|after|before] i {verb} {noun}s [with {lib}|in {lib}|]",
    "[write|make|need] a function to {verb} {noun}s by {field}[, {lib}| without {lib}|, max {n}|]", "[refactor|review|simplify|speed up|type] this {noun} [code|class|loop|thing]",
    "[add|write|fix] [tests|docs|types|logging] for {verb}_{noun}", "[how to|ways to|can i|trying to] {verb} {n} {noun}s [in {lib}|at once|lazily|without copying]?",
    "[convert|port|translate] {noun} {verb} from [python|js|java|bash|go|php] to [rust|python|typescript|kotlin|c]", "{lib} [or|vs] {lib} for {noun} {verb}?",
    "[regex|query|one-liner|script|cron line] to {verb} {noun} {field}s", "my {noun} {field} is [always|sometimes|never] {n}, [why|help|what am i missing]",
    "what's [wrong|the complexity|the idiom] here, {noun} {verb}?", "{verb} {noun} but [keep|skip|cap|index] {field} [at {n}|first|last|]",
)  # fmt: skip

FOLLOW_UPS = (
    "now {error}", "[ok|works|nope|hmm], but {noun}.{field} is [{n}|empty|wrong]", "[can|could] it {verb} {noun}s too?", "[same|still] {error} with {lib}", "and for {n} {noun}s?",
    "[use|drop|avoid] {lib} [please|instead]", "why not {verb} the {field} first", "[rename|inline|extract] {noun} [to|as|into] {verb}_{noun}", "shorter", "[add|remove] the {field} check",
    "what does {verb} do [here|with {noun}|when {field} is {n}]?", "tests fail: {error}", "make {field} [optional|required|an enum|a parameter]",
)  # fmt: skip

STATEMENTS = (
    "The [problem|bug|cause] is that `{verb}` [mutates|skips|copies] the {noun} before `{field}` is [set|checked|known].", "[Use|Try|Prefer] `{verb}_{noun}` with `{field}={n}` [instead|here|so that {noun}s stay ordered].",
    "[This|That] [runs|works] in O(n) [over|for] the {noun}s, [because|as] each {field} is [seen|read] once.", "[Note|Careful|Remember]: {lib} [returns|expects] a {noun}, not a {noun}.",
    "[First|Then|Finally] {verb} the {noun}, [and|then] compare its {field} [with|to] {n}.", "If you see {error}, the {noun} [has no|lost its|repeats a] {field}.",
    "[You can|It is safer to|Better] {verb} in [chunks|batches] of {n} {noun}s.", "I [renamed|moved|split] `{noun}` [to|into] `{noun}_{field}` [for clarity|to avoid shadowing|as {lib} does].",
)  # fmt: skip
