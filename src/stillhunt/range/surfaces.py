"""What a provider sees of accounts that come through somebody else's marketplace: calls, and hardly who makes them."""

from __future__ import annotations

import random

from stillhunt.range.calls import Account
from stillhunt.range.stage import Actor

MARKETPLACE = "marketplace"


def list_on_marketplace(account: Account, rng: random.Random) -> None:
    """Make `account` a marketplace's: an id of its kind; who pays, from where and under which address is not passed on."""
    account.account_id = f"mp-{rng.randrange(10**11, 10**12)}"
    account.plan = MARKETPLACE
    account.verification = None
    account.referral = None
    account.payment_fingerprint = None
    account.phone = None
    account.email = None
    account.signup_ip = None
    account.signup_user_agent = None
    account.signup_ja4 = None


def call_through_marketplace(actor: Actor) -> None:
    """Send `actor`'s calls through the marketplace, which ends the connection: neither address nor TLS is passed on."""
    actor.surface = MARKETPLACE
    actor.veiled = True
