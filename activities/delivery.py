"""How this process delivers, given once by `worker.py` from the settings; and what an attempt to deliver came to.

Activities never read the environment: whatever they need of it stands in `Delivery`. `Landing` is closed; whoever adds
a member adds it to `perform` and to the classifications in `mail` and `slack`.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Delivery:
    """Addresses have no trailing slash. `link_secret` keys the links in mails. `timeout`: seconds for one call to a
    provider.

    `rehearsal_to`: the address of the one person who gets whatever a rehearsal sends; empty: it stays in the outbox.
    `limit`: seconds that one command may take in all; past it the core hears `unknown` and the ledger knows the rest.
    """

    public_url: str
    from_email: str
    company_name: str
    company_address: str
    help_url: str
    link_secret: str = field(repr=False)
    email_transport: Literal["outbox", "sendgrid"] = "outbox"
    slack_transport: Literal["outbox", "slack"] = "outbox"
    sendgrid_key: str = field(default="", repr=False)
    sendgrid_url: str = "https://api.sendgrid.com"
    slack_token: str = field(default="", repr=False)
    slack_url: str = "https://slack.com/api"
    timeout: float = 10.0
    limit: float = 15.0
    mails_per_second: float = 10.0
    posts_per_second: float = 1.0
    rehearsal_to: str = ""
    webhooks: tuple[tuple[str, str], ...] = ()
    webhook_secret: str = field(default="", repr=False)

    @property
    def lease(self) -> timedelta:
        """How long a reservation is ours: longer than any call can last, so that two calls never overlap."""
        return timedelta(seconds=2 * self.timeout + self.limit)


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took it. `ref`: how to find it there again."""

    ref: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """Surely not sent; worth another try after `wait`."""

    wait: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Surely not sent, and the same request will never be taken; a person must act on `reason`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left, and what became of it is not known.

    `ask_in`: after which time the provider can be asked; None where it cannot, and only its own report, or a day, ends
    the doubt.
    """

    reason: str
    ask_in: timedelta | None = None


Landing = Sent | Later | Failed | Unknown
