"""The client software behind calls: SDKs in many versions on many platforms, HTTP libraries, curl, browsers.

Shares are heavy-tailed over software, versions and platforms, so that no shape is everybody's and many are nobody else's.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from stillhunt.range.bank.grammar import pick

Headers = tuple[tuple[str, str], ...]
Value = float | int | str | bool


@dataclass(frozen=True)
class Client:
    """The software behind a call, as its requests show it."""

    name: str  # "browser", "openai-python", "curl", ...
    version: str
    user_agent: str
    headers: Headers  # in the order sent; authorisation, host and length left out
    parameters: tuple[tuple[str, Value], ...]  # request parameters that the account always sends, in order
    ja4: str


_STAINLESS = {"openai-python": "Python", "openai-node": "JS", "openai-go": "Go", "openai-java": "Java", "openai-dotnet": ".NET"}
_SOFTWARE: dict[str, tuple[float, str, tuple[str, ...]]] = {
    "openai-python": (
        0.37,
        "CPython",
        ("1.3", "1.12", "1.30", "1.35", "1.40", "1.51", "1.57", "1.66", "1.78", "1.93", "1.99", "2.2", "2.8"),
    ),
    "openai-node": (0.16, "node", ("3.3", "4.20", "4.47", "4.61", "4.77", "4.96", "5.3", "5.12", "6.1")),
    "python-requests": (0.08, "CPython", ("2.26", "2.28", "2.31", "2.32")),
    "httpx": (0.06, "CPython", ("0.23", "0.25", "0.27", "0.28")),
    "aiohttp": (0.03, "CPython", ("3.8", "3.9", "3.10", "3.12")),
    "axios": (0.05, "node", ("0.27", "1.4", "1.6", "1.7", "1.9")),
    "node-fetch": (0.04, "node", ("1.0",)),
    "undici": (0.02, "node", ("6.0",)),
    "curl": (0.04, "", ("7.81", "7.88", "8.4", "8.5", "8.7", "8.11", "8.14")),
    "openai-go": (0.02, "go", ("0.1", "1.2", "1.12", "2.1")),
    "go-http": (0.03, "go", ("1.1", "2.0")),
    "openai-java": (0.015, "JRE", ("0.8", "1.6", "2.14", "3.1")),
    "okhttp": (0.03, "JRE", ("3.14", "4.9", "4.11", "4.12", "5.0")),
    "java-http": (0.02, "JRE", ("11.0", "17.0", "21.0")),
    "openai-dotnet": (0.02, "dotnet", ("2.0", "2.1", "2.2")),
    "guzzle": (0.02, "php", ("6.5", "7.4", "7.8")),
    "reqwest": (0.02, "", ("0.11", "0.12")),
    "faraday": (0.01, "ruby", ("1.10", "2.7", "2.9")),
    "postman": (0.015, "", ("7.32", "7.37", "7.43")),
    "dart": (0.01, "", ("2.19", "3.3", "3.7")),
}
_RUNTIMES = {
    "CPython": ("3.8.10", "3.9.6", "3.9.18", "3.10.12", "3.10.14", "3.11.4", "3.11.9", "3.12.3", "3.12.7", "3.13.1", "3.13.5"),
    "node": ("v16.20.2", "v18.17.1", "v18.20.4", "v20.9.0", "v20.18.1", "v22.4.0", "v22.12.0", "v24.1.0"),
    "go": ("go1.20", "go1.21.6", "go1.22.5", "go1.23.1", "go1.24.2"),
    "JRE": ("11.0.22", "17.0.9", "17.0.12", "21.0.2", "21.0.5"),
    "dotnet": ("6.0.36", "8.0.4", "8.0.11", "9.0.2"),
    "php": ("7.4", "8.1", "8.2", "8.3"),
    "ruby": ("2.7.0", "3.1.4", "3.3.0"),
    "": ("",),
}
_SYSTEMS = (("Linux", "x64", 0.5), ("Linux", "arm64", 0.14), ("MacOS", "arm64", 0.17), ("Windows", "x64", 0.15), ("MacOS", "x64", 0.04))
_MODEL_TEMPERATURES = (0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2)


def _ja4(*facts: str) -> str:
    """Derive a JA4-shaped fingerprint from the facts that decide a TLS stack."""
    digest = hashlib.blake2b("/".join(facts).encode(), digest_size=14).hexdigest()
    ciphers, extensions = 9 + int(digest[24], 16), 7 + int(digest[25], 16) // 2
    alpn = "h2" if int(digest[26], 16) > 4 else "h1"
    return f"t13d{ciphers:02d}{extensions:02d}{alpn}_{digest[:12]}_{digest[12:24]}"


def _recent(rng: random.Random, versions: tuple[str, ...]) -> str:
    """Draw a version, recent ones oftener."""
    return versions[int(len(versions) * (1.0 - rng.random() ** 1.7) * 0.999)]


class Clients:
    """The client software of one world."""

    def __init__(self, seed: int, folder: Path | None = None) -> None:
        self.missing: list[str] = []
        self._seed = seed
        rng = random.Random(f"clients/{seed}")
        self._browsers = self._read(folder) or [_user_agent(rng) for _ in range(400)]
        self._browser_shares = [1.0 / (rank + 3.0) for rank in range(len(self._browsers))]
        # Fashions differ from world to world.
        self._shares = [share * rng.uniform(0.6, 1.5) for share, _, _ in _SOFTWARE.values()]

    def _read(self, folder: Path | None) -> list[str]:
        """Read real browser user agents, most used first; [] where the list is absent."""
        if folder is None:
            return []
        try:
            table = pq.read_table(folder / "infra" / "user_agents_browsers.parquet").to_pydict()
            ranked = sorted(zip(table["percent"], table["useragent"], strict=True), key=lambda entry: (-(entry[0] or 0.0), entry[1]))
        except (OSError, KeyError, ValueError, TypeError):
            ranked = []
        if not ranked:
            self.missing.append("infra/user_agents_browsers.parquet")
        return [agent for _, agent in ranked]

    def person(self, rng: random.Random) -> Client:
        """Draw whatever a random customer uses: a browser for chat, or an API client."""
        return self.browser(rng) if rng.random() < 0.45 else self.developer(rng)

    def browser(self, rng: random.Random) -> Client:
        """Draw a web browser on the provider's chat surface."""
        agent = rng.choices(self._browsers, self._browser_shares)[0]
        language = pick(
            rng, ["en-US,en;q=0.9", "en-US,en;q=0.9", "en-GB,en;q=0.8", "de-DE,de;q=0.9,en;q=0.7", "fr-FR,fr;q=0.9", "ja,en;q=0.8"]
        )
        family = "firefox" if "Firefox" in agent else "safari" if "Chrome" not in agent else "chromium"
        common: list[tuple[str, str]] = [("user-agent", agent), ("accept", "text/event-stream"), ("accept-language", language)]
        if family == "chromium":
            mobile = "?1" if "Mobile" in agent else "?0"
            common = [("sec-ch-ua-mobile", mobile), *common, ("content-type", "application/json"), ("sec-fetch-mode", "cors")]
        else:
            common += [("accept-encoding", "gzip, deflate, br"), ("content-type", "application/json")]
        version = agent.rsplit("/", 1)[-1].split(" ")[0]
        stack = version.split(".")[0] if family != "safari" else ""
        return Client("browser", version, agent, tuple(common), (("stream", True),), _ja4("browser", family, stack))

    def developer(self, rng: random.Random) -> Client:
        """Draw an API client by popularity: vendors' SDKs in many versions, HTTP libraries, curl."""
        name = rng.choices(list(_SOFTWARE), self._shares)[0]
        return self._build(rng, name, _recent(rng, _SOFTWARE[name][2]), _recent(rng, _RUNTIMES[_SOFTWARE[name][1]]), self._parameters(rng))

    def rare(self, rng: random.Random) -> Client:
        """Draw a combination that few others have: an old version on an unusual stack, with parameters of its own."""
        name = pick(rng, ["openai-python", "httpx", "aiohttp", "okhttp", "reqwest", "go-http", "undici", "guzzle", "openai-go", "faraday"])
        _, runtime, versions = _SOFTWARE[name]
        parameters = (
            *self._parameters(rng),
            ("top_p", pick(rng, (0.92, 0.95, 0.97))),
            ("max_tokens", pick(rng, (3000, 6000, 8192, 16_000))),
        )
        old = f"{versions[0]}.{rng.randrange(1, 30)}"
        return self._build(rng, name, old, pick(rng, _RUNTIMES[runtime]), tuple(dict(parameters).items()))

    def named(self, rng: random.Random, name: str) -> Client:
        """Draw a new client for a product called `name` (a framework, a starter kit, a harness): share the result."""
        base = pick(rng, ["openai-python", "openai-python", "openai-node", "httpx", "axios"])
        _, runtime, versions = _SOFTWARE[base]
        inner = self._build(rng, base, _recent(rng, versions), _recent(rng, _RUNTIMES[runtime]), self._parameters(rng))
        version = f"{rng.randrange(0, 4)}.{rng.randrange(0, 30)}.{rng.randrange(0, 12)}"
        agent = f"{name}/{version} ({inner.user_agent})" if rng.random() < 0.6 else f"{name}/{version}"
        headers = tuple(("user-agent", agent) if key == "user-agent" else (key, value) for key, value in inner.headers)
        if rng.random() < 0.5:
            headers = (*headers, ("x-title", name))
        return Client(name, version, agent, headers, inner.parameters, inner.ja4)

    def _parameters(self, rng: random.Random) -> tuple[tuple[str, Value], ...]:
        """Draw the request parameters that one account's code always sends, in its order."""
        options: list[tuple[str, float, Value]] = [
            ("temperature", 0.6, pick(rng, _MODEL_TEMPERATURES)),
            (
                "max_tokens",
                0.5,
                pick(rng, (64, 100, 150, 200, 256, 300, 400, 500, 512, 600, 800, 1000, 1024, 1500, 2000, 2048, 4000, 4096)),
            ),
            ("stream", 0.35, True),
            ("top_p", 0.2, pick(rng, (0.8, 0.9, 0.95, 1))),
            ("presence_penalty", 0.08, pick(rng, (0, 0.1, 0.3, 0.6))),
            ("frequency_penalty", 0.08, pick(rng, (0, 0.2, 0.5))),
            ("seed", 0.05, rng.randrange(100)),
            ("n", 0.04, 1),
            ("user", 0.05, f"u{rng.randrange(10**6)}"),
        ]
        chosen = [(name, value) for name, share, value in options if rng.random() < share]
        rng.shuffle(chosen)
        return tuple(chosen)

    @staticmethod
    def _build(rng: random.Random, name: str, version: str, runtime: str, parameters: tuple[tuple[str, Value], ...]) -> Client:
        if version.count(".") < 2:
            version = f"{version}.{int(6 * rng.random() ** 2)}"
        system, machine, _ = rng.choices(_SYSTEMS, [share for *_, share in _SYSTEMS])[0]
        kind = _SOFTWARE[name][1]
        bare = runtime.lstrip("vgo")
        agent = {
            "openai-python": f"{pick(rng, ['', '', 'Async'])}OpenAI/Python {version}",
            "openai-node": f"OpenAI/JS {version}",
            "openai-go": f"OpenAI/Go {version}",
            "openai-java": f"OpenAIClientImpl/Java {version}",
            "openai-dotnet": f"OpenAI/{version} (.NET {bare}; {system})",
            "httpx": f"python-httpx/{version}",
            "aiohttp": f"Python/{bare.rsplit('.', 1)[0]} aiohttp/{version}",
            "node-fetch": "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
            "undici": "node",
            "go-http": f"Go-http-client/{version[:3]}",
            "java-http": f"Java-http-client/{bare}",
            "guzzle": f"GuzzleHttp/{version.split('.', maxsplit=1)[0]}",
            "faraday": f"Faraday v{version}",
            "postman": f"PostmanRuntime/{version}",
            "dart": f"Dart/{version[:4].rstrip('.')} (dart:io)",
        }.get(name, f"{name}/{version}")
        headers: list[tuple[str, str]] = [("accept", "application/json"), ("content-type", "application/json"), ("user-agent", agent)]
        if name in _STAINLESS:
            headers += [
                ("x-stainless-lang", _STAINLESS[name].lower()),
                ("x-stainless-package-version", version),
                ("x-stainless-os", system),
                ("x-stainless-arch", machine),
                ("x-stainless-runtime", kind),
                ("x-stainless-runtime-version", runtime),
            ]
        if name in ("python-requests", "httpx", "aiohttp", "axios", "node-fetch", "postman"):
            headers = [
                ("user-agent", agent),
                ("accept-encoding", pick(rng, ["gzip, deflate", "gzip, deflate, br", "gzip, deflate, zstd"])),
                *headers[:2],
            ]
        elif name == "curl":
            headers = [("user-agent", agent), ("accept", "*/*"), ("content-type", "application/json")]
        elif name == "okhttp":
            headers = [("content-type", "application/json; charset=utf-8"), ("accept-encoding", "gzip"), ("user-agent", agent)]
        major = runtime.rsplit(".", 1)[0] if kind else version.rsplit(".", 1)[0]
        return Client(name, version, agent, tuple(headers), parameters, _ja4(kind or name, major, system if kind == "CPython" else ""))


def _user_agent(rng: random.Random) -> str:
    """Draw a browser's user agent: families and versions as they are about, recent ones oftener."""
    chrome = 138 - int(14 * rng.random() ** 2)
    firefox = 140 - int(16 * rng.random() ** 2)
    safari = f"{pick(rng, (16, 17, 17, 18, 18))}.{rng.randrange(7)}"
    desktop = pick(
        rng, ["Windows NT 10.0; Win64; x64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"]
    )
    blink = f"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.{rng.choice((0, 0, 0, rng.randrange(9999)))}.0"
    luck = rng.random()
    if luck < 0.45:
        return f"Mozilla/5.0 ({desktop}) {blink} Safari/537.36"
    if luck < 0.62:
        return f"Mozilla/5.0 (Linux; Android {rng.randrange(10, 16)}; K) {blink} Mobile Safari/537.36"
    if luck < 0.72:
        return f"Mozilla/5.0 ({desktop}) {blink} Safari/537.36 Edg/{chrome}.0.0.0"
    if luck < 0.84:
        return f"Mozilla/5.0 ({desktop}; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0"
    if luck < 0.93:
        phone = f"iPhone; CPU iPhone OS {safari.replace('.', '_')} like Mac OS X"
        return f"Mozilla/5.0 ({phone}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{safari} Mobile/15E148 Safari/604.1"
    mac = "Macintosh; Intel Mac OS X 10_15_7"
    return f"Mozilla/5.0 ({mac}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{safari} Safari/605.1.15"
