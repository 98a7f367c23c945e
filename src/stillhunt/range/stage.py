"""The stage that a world's populations and operators play on: who exists, and what happens to a call once it is made.

A *lane* is a generator of one party's calls in order of time; the world merges lanes. Between calls a lane may give a bare
moment: nothing happens before it, so the lane is left alone until then and keeps no words in memory. An `Actor` is an account with its
software and its place on the network; it turns text and a moment into a `Call`, failures and their retries included.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillhunt.range.calls import DAY, HOUR, MINUTE, SECOND, Account, Call, Message
from stillhunt.range.machinery import Client, Clients, Identities, Identity, Networks, Rates, Site
from stillhunt.range.texts import Exchange, Step, Texts

Lane = Iterator[Call | int]

QUIET = 10 * MINUTE
"""A lane that pauses longer says so."""


@dataclass(frozen=True)
class Model:
    """A model on offer; prices in dollars per million tokens."""

    name: str
    version: str
    input_price: float
    output_price: float
    speed: float  # tokens a second


MODELS = {
    "large": Model("heron-3-large", "heron-3-large-20250911", 3.0, 15.0, 62.0),
    "small": Model("heron-3-small", "heron-3-small-20250911", 0.25, 1.25, 140.0),
    "former": Model("heron-2-large", "heron-2-large-20241105", 3.0, 15.0, 48.0),
    "new": Model("heron-4-large", "heron-4-large-20260302", 4.0, 20.0, 70.0),
}
"""The provider's catalogue. "new" is released within the world's window."""

MODEL_BY_NAME = {model.name: model for model in MODELS.values()}


@dataclass(frozen=True)
class Weather:
    """How often calls fail: shares of calls per kind of failure."""

    rate_limited: float = 0.004
    server_error: float = 0.003
    bad_request: float = 0.002
    refused: float = 0.0015  # answered, but the answer was withheld by a filter


CALM = Weather()
BUSY = Weather(rate_limited=0.02, server_error=0.004, bad_request=0.001)


class Stage:
    """Everything that exists in a world while it is being made."""

    def __init__(
        self, seed: int, start: int, days: int, texts: Texts, networks: Networks, clients: Clients, identities: Identities, rates: Rates
    ) -> None:
        self.seed = seed
        self.start = start
        self.days = days
        self.end = start + days * DAY
        self.release = start + int(days * 0.6) * DAY + 16 * HOUR
        self.texts = texts
        self.networks = networks
        self.clients = clients
        self.identities = identities
        self.rates = rates
        self.accounts: list[Account] = []
        self.entitlements: list[dict[str, Any]] = []
        self.lanes: list[Lane] = []
        self.planned = 0

    def rng(self, *names: object) -> random.Random:
        """A generator of its own for whatever `names` name: adding a party leaves the others' draws as they were."""
        return random.Random(f"{self.seed}/{'/'.join(map(str, names))}")

    def numpy(self, *names: object) -> np.random.Generator:
        """The same for arrays."""
        return np.random.default_rng([self.seed, zlib.crc32("/".join(map(str, names)).encode())])

    def enroll(
        self,
        rng: random.Random,
        population: str,
        identity: Identity,
        born: int,
        site: Site,
        client: Client | None,
        **facts: Any,
    ) -> Account:
        """Open an account for `identity` from `site`, signing up in `client` (None: a browser of its own)."""
        through = client or self.clients.browser(rng)
        account = Account(
            account_id=f"{rng.getrandbits(96):024x}",
            population=population,
            created_at=born,
            email=identity.email,
            country=identity.country,
            zone=identity.utc_offset,
            signup_ip=site.address(rng),
            signup_user_agent=through.user_agent,
            signup_ja4=through.ja4,
            plan=identity.plan,
            phone=identity.phone,
            payment_fingerprint=identity.card,
            organization_id=identity.organization_id,
            verification=identity.verification,
            referral=identity.referral,
        )
        for name, value in facts.items():
            setattr(account, name, value)
        self.accounts.append(account)
        return account

    def sign_up(self, rng: random.Random) -> int:
        """When an unrelated customer signed up: within two years before the window's end, more of them lately."""
        if rng.random() < 0.045:
            return self.start + int(rng.random() * (self.end - self.start) * 0.95)
        back = 730 * (1 - rng.random() ** 0.5)
        return self.start - int(back * DAY) - rng.randrange(DAY)

    def moments(
        self, numbers: np.random.Generator, calls: int, zone: float, style: str, begin: int | None = None, until: int | None = None
    ) -> NDArray[np.int64]:
        """Sorted microseconds of `calls` calls between `begin` and `until` (the window's ends if None); counts them as planned."""
        first = max(self.start, begin if begin is not None else self.start)
        last = min(self.end, until if until is not None else self.end)
        if calls <= 0 or last - first < MINUTE:
            return np.empty(0, np.int64)
        seconds = self.rates.moments(numbers, calls, first / SECOND, (last - first) / DAY, zone, style)
        exact = (np.asarray(seconds) * SECOND).astype(np.int64) + numbers.integers(0, SECOND, len(seconds))
        times: NDArray[np.int64] = np.clip(exact, first, last - 1)
        times.sort()
        self.planned += len(times)
        return times

    def exactly(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Times set by a schedule instead of a person: those inside the window, sorted, counted as planned."""
        times = np.sort(times[(times >= self.start) & (times < self.end)]).astype(np.int64)
        self.planned += len(times)
        return times

    def play(self, lane: Lane) -> None:
        """Add a party's calls to the world."""
        self.lanes.append(lane)

    def entitle(self, scope: str, reference: str, account: str | None = None, organization: str | None = None) -> None:
        """Put a permission on record, granted some months before the window."""
        granted = self.start - 90 * DAY
        self.entitlements.append(
            {
                "account_id": account,
                "organization_id": organization,
                "scope": scope,
                "granted_at": granted,
                "expires_at": granted + 730 * DAY,
                "reference": reference,
            }
        )


def tokens(text: str) -> int:
    """About how many tokens `text` has: four bytes of UTF-8 each, which also fits scripts with three bytes a character."""
    return (len(text) if text.isascii() else len(text.encode())) // 4


@dataclass(slots=True, eq=False)
class Actor:
    """An account at work: its software, its place, its habits."""

    account: Account
    client: Client
    site: Site
    rng: random.Random
    model: str
    weather: Weather = CALM
    patience: float = 0.7  # share of its failures that it tries again
    surface: str = "api"
    veiled: bool = False  # whether neither its address nor its TLS reaches the provider
    extra: dict[str, Any] = field(default_factory=dict)  # request parameters beside the client's own
    keys: int = 1
    sites: tuple[Site, ...] = ()  # further places, for accounts used from many
    moves_at: int | None = None  # when it takes up the new model, if it does
    clients: tuple[Client, ...] = ()  # further software, for accounts used by many
    home: str = ""
    memo: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    limit: int | None = None

    def __post_init__(self) -> None:
        self.home = self.site.address(self.rng)
        self.parameters = {**dict(self.client.parameters), **self.extra}
        limit = self.parameters.get("max_tokens", self.parameters.get("max_completion_tokens"))
        self.limit = int(limit) if isinstance(limit, int) and limit > 0 else None

    def call(
        self,
        at: int,
        messages: list[Message],
        response: str,
        system: str | None = None,
        tools: str | None = None,
        conversation: str | None = None,
        end_user: str | None = None,
        status: int | None = None,
    ) -> Call:
        """One call and how it ended; `status` forces the outcome, otherwise the weather decides."""
        rng = self.rng
        site = self.site
        client = self.client
        if self.sites:
            site = self.sites[rng.randrange(len(self.sites))]
        # a rented server keeps its address; other places know themselves how steady they are
        address = self.home if site.kind == "hosting" and rng.random() < 0.9 else site.address(rng)
        if self.clients:
            client = self.clients[rng.randrange(len(self.clients))]
        model = MODELS["new"].name if self.moves_at is not None and at >= self.moves_at else self.model
        finish: str | None = "stop"
        error = None
        if status is None:
            status, finish, error = self._outcome()
        elif status != 200:
            finish, error = None, ERRORS[status]
        sent = tokens(system) if system else 0
        for message in messages:
            sent += tokens(message["content"]) + 4
        if tools:
            sent += tokens(tools)
        if status != 200:
            response, got, seconds = "", 0, 0.05 + rng.expovariate(6.0 if status == 429 else 1.5)
        else:
            if finish == "content_filter":
                response = response[: rng.randrange(20, 200)]
            got = tokens(response) + 1
            if self.limit is not None and got > self.limit:
                response, got, finish = response[: len(response) * self.limit // got], self.limit, "length"
            speed = MODEL_BY_NAME[model].speed
            seconds = 0.18 + rng.expovariate(4.0) + sent / 9000 + got / (speed * (0.75 + 0.5 * rng.random()))
        return Call(
            at=at,
            ended=at + int(seconds * SECOND),
            account=self.account,
            user_agent=client.user_agent,
            headers=client.headers,
            ja4=None if self.veiled else client.ja4,
            ip=None if self.veiled else address,
            model=model,
            parameters=self.parameters,
            messages=messages,
            response=response,
            system=system,
            tools=tools,
            input_tokens=sent + 3,
            output_tokens=got,
            status=status,
            finish_reason=finish,
            error_type=error,
            conversation_id=conversation,
            end_user_id=end_user,
            key=rng.randrange(self.keys) if self.keys > 1 else 0,
            surface=self.surface,
            memo=self.memo,
        )

    def _outcome(self) -> tuple[int, str | None, str | None]:
        luck = self.rng.random()
        weather = self.weather
        if luck > 0.05:  # nearly always: one comparison on the hot path; no weather is worse than one in twenty
            return 200, "stop", None
        for share, status in ((weather.rate_limited, 429), (weather.server_error, 500), (weather.bad_request, 400)):
            if luck < share:
                known = 503 if status == 500 and self.rng.random() < 0.4 else status
                return known, None, ERRORS[known]
            luck -= share
        return (200, "content_filter", None) if luck < weather.refused else (200, "stop", None)

    def attempt(self, at: int, *what: Any, **how: Any) -> Iterator[Call]:
        """A call and, when it failed for a passing reason, often the same again from the same account some seconds later."""
        call = self.call(at, *what, **how)
        yield call
        for round_ in range(3):
            if call.status not in (429, 500, 503) or self.rng.random() > self.patience:
                return
            at = call.ended + int((0.4 + self.rng.expovariate(0.5)) * SECOND * 2**round_)
            call = self.call(at, *what, **how)
            yield call


ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}


def one_shots(actor: Actor, times: NDArray[np.int64], draw: Callable[[random.Random], Exchange]) -> Lane:
    """One exchange at each moment, each by itself."""
    now = 0
    for at in times.tolist():
        if at - now > QUIET:
            yield at
        exchange = draw(actor.rng)
        now = max(now + 1000, at)
        for call in actor.attempt(now, [{"role": "user", "content": exchange.prompt}], exchange.response, exchange.system):
            now = call.at
            yield call
        del call, exchange


def chats(
    actor: Actor,
    times: NDArray[np.int64],
    draw: Callable[[random.Random], list[tuple[str, str]]],
    system: str | None = None,
    tools: str | None = None,
    *,
    labelled: bool = True,
) -> Lane:
    """Conversations, one turn at each moment; a pause of an hour or the end of the matter begins a new one.

    `labelled` says whether the log knows the conversation's id (the provider's own chat) or not (somebody's program).
    """
    rng = actor.rng
    history: list[Message] = []
    turns: list[tuple[str, str]] = []
    conversation: str | None = None
    now = 0
    for at in times.tolist():
        if at - now > HOUR:
            turns, history = [], []
        if at - now > QUIET:
            yield at
        if not turns or len(history) > 60:
            turns = list(reversed(draw(rng)))
            history = []
            conversation = f"{rng.getrandbits(80):020x}" if labelled else None
        asked, answered = turns.pop()
        history = [*history, {"role": "user", "content": asked}]
        now = max(now + 1000, at)
        done = True
        for call in actor.attempt(now, history, answered, system, tools, conversation):
            now = call.at
            done = call.status == 200
            yield call
        del call
        if done:
            history = [*history, {"role": "assistant", "content": answered}]
        else:
            turns = []


def sessions(
    actor: Actor, times: NDArray[np.int64], draw: Callable[[random.Random], list[Step]], system: str | None, tools: str | None
) -> Lane:
    """Agent sessions: each moment is the next call of the running session, seconds after the one before."""
    now = 0
    steps: list[Step] = []
    for at in times.tolist():
        if at - now > HOUR:
            steps = []
        if at - now > QUIET:
            yield at
        if not steps:
            steps = list(reversed(draw(actor.rng)))
        step = steps.pop()
        now = max(now + 1000, at)
        for call in actor.attempt(now, step.messages, step.response, system, tools):
            now = call.at
            yield call
        del call, step
