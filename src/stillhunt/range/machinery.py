"""Where people and operators get everything but words: addresses, clients, identities, and a rhythm of life.

Each class stands alone and is built once per world. Accounts draw from it with a `random.Random`, arrays are drawn with a
numpy generator; the same state gives the same draw. With a folder of real lists (`--texts`), hosting and VPN prefixes,
browsers and disposable domains come from there (`missing` names what was not); without it everything is synthetic.
"""

from __future__ import annotations

from stillhunt.range.clients import Client, Clients
from stillhunt.range.identities import Company, Identities, Identity
from stillhunt.range.networks import COUNTRIES, SITE_KINDS, Networks, Site
from stillhunt.range.rates import STYLES, Rates

__all__ = ["COUNTRIES", "SITE_KINDS", "STYLES", "Client", "Clients", "Company", "Identities", "Identity", "Networks", "Rates", "Site"]
