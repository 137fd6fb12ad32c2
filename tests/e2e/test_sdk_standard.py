"""The SDK's own tests of a tap: for Kommo, and for Octanist with native values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox import Sandbox
from tap_leads.tap import TapLeads
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.settings import Config

# The streams of a test class are created before the sandbox is: `served` sets its URLs.
CONFIGS: dict[str, Config] = {
    "kommo": {"kommo": {"access_token": "x", "subdomain": "acme"}},
    "octanist": {"octanist": {"api_key": "x"}},
}


@pytest.fixture(scope="module", autouse=True)
def served() -> Iterator[None]:
    """Serve the sandbox that the settings of all test classes name."""
    with Sandbox(leads=120, seed=7) as box:
        box.kommo.options.rate_limit = None
        for source, config in CONFIGS.items():
            config[source] = settings_for(box.apis[source])
        box.kommo.delete(3)
        box.kommo.options.customers_mode = "periodicity"
        for people in (box.kommo.contacts, box.kommo.companies):
            people.edit(2, name="Renamed")
            people.delete(2)
        yield


def standard(source: str, nested_values: str) -> type:
    """Return the SDK's tests for one source."""
    CONFIGS[source]["nested_values"] = nested_values
    suite = SuiteConfig(max_records_limit=None)
    catalog: dict[str, Any] = TapLeads(config=CONFIGS[source]).catalog_dict
    for stream in catalog["streams"]:  # some are not selected by default
        stream["metadata"][-1]["metadata"]["selected"] = True
    made: type = get_tap_test_class(
        TapLeads, config=CONFIGS[source], suite_config=suite, catalog=catalog
    )
    return made


TestKommo = standard("kommo", "text")
TestOctanist = standard("octanist", "native")
