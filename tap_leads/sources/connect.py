"""Creates accounts from settings: one client per account, one rate limiter per source."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_leads.rest.client import AccountClient
from tap_leads.rest.clock import Clock, ServerClock, SystemClock
from tap_leads.rest.rate_limiter import RateLimiter
from tap_leads.rest.retry import Outages, RetryPolicy
from tap_leads.rest.session import Session
from tap_leads.sources.base import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_leads.sources.base import Source


@dataclass(frozen=True, kw_only=True)
class Network:
    """Dependencies of requests that are not settings; tests pass their own."""

    clock: Clock = field(default_factory=SystemClock)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    limiter: Callable[[float, Clock], RateLimiter] = RateLimiter


def build_accounts(
    source: Source, config: Mapping[str, Any], network: Network, user_agent: str
) -> list[Account]:
    """Return the accounts of a source, given valid settings; no request is sent.

    Args:
        source: The source.
        config: All settings of the tap, with the defaults filled in.
        network: The clock, the retry policy, and the rate limiter.
        user_agent: The User-Agent header.
    """
    own = config[source.name]
    found = source.settings.accounts(own)
    shared = None
    if own.get("share_rate_limit", True):
        # APIs limit requests per IP address: all accounts share the lowest rate (apis/kommo.md 18).
        rate = min(settings["requests_per_second"] for _, _, settings in found)
        shared = network.limiter(rate, network.clock)
    accounts = []
    seconds = float(config["max_retry_seconds"])
    retry = replace(network.retry, max_seconds=seconds, outages=Outages())
    for _, label, settings in found:
        limiter = shared or network.limiter(settings["requests_per_second"], network.clock)
        api = source.api(settings)
        wording = source.wording
        if "oauth" in settings:
            wording = replace(wording, credential=f"`{source.name}.oauth`")
        client = AccountClient(
            auth=source.auth(label, settings, network.clock),
            limiter=limiter,
            session=Session(
                timeout=float(config["request_timeout"]),
                user_agent=user_agent,
                concurrency=config["concurrency"],
            ),
            clock=ServerClock(network.clock),
            concurrency=config["concurrency"],
            wording=wording,
            error_codes=api.error_codes,
            retry=retry,
            origin=api.base_url,
        )
        accounts.append(Account(label, settings, api, client, source.endpoint))
    return accounts
