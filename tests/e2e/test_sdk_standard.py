"""The SDK's own tests of a tap, for each source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox import Sandbox
from tap_leads.tap import TapLeads
from tests.support.settings import CREDENTIALS, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.settings import Config

# The streams of a test class are made before there is a sandbox: `served` says where it is.
CONFIGS: dict[str, Config] = {
    slot: {slot: {credential: "x", "subdomain": "acme"} if slot == "kommo" else {credential: "x"}}
    for slot, credential in CREDENTIALS.items()
}


@pytest.fixture(scope="module", autouse=True)
def served() -> Iterator[None]:
    """A sandbox that the settings of all test classes lead to."""
    with Sandbox(leads=120, seed=7) as box:
        for slot, api in box.apis.items():
            api.options.rate_limit = None
            CONFIGS[slot][slot] = settings_for(api)
        box.kommo.delete(3)
        yield


def standard(slot: str, form: str = "text") -> type:
    """The SDK's tests for one source."""
    CONFIGS[slot]["nested_values"] = form
    suite = SuiteConfig(max_records_limit=None)
    catalog: dict[str, Any] = TapLeads(config=CONFIGS[slot]).catalog_dict
    for stream in catalog["streams"]:  # some are not selected by default
        stream["metadata"][-1]["metadata"]["selected"] = True
    made: type = get_tap_test_class(
        TapLeads, config=CONFIGS[slot], suite_config=suite, catalog=catalog
    )
    return made


TestKommo = standard("kommo")
TestDashly = standard("dashly")
TestCarrotQuest = standard("carrotquest")
TestOctanist = standard("octanist", "native")
