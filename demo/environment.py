"""The environment variables that Meltano runs with: the sandbox's URLs and credentials."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.postgres import Postgres
    from sandbox import Sandbox

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "output"


def without_settings() -> dict[str, str]:
    """Return the environment without the user's settings of Meltano, its plugins and Airflow."""
    ours = ("AIRFLOW_", "DBT_", "MELTANO_", "TAP_LEADS_", "TARGET_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def environment_of(box: Sandbox, postgres: Postgres) -> dict[str, str]:
    """Return Meltano's environment, with the sandbox's settings instead of the user's own."""
    environment = without_settings()
    for slot, api in box.apis.items():
        environment[f"TAP_LEADS_{slot.upper()}_API_URL"] = api.url
        # The defaults respect the limits of the real APIs; the sandbox has none.
        environment[f"TAP_LEADS_{slot.upper()}_REQUESTS_PER_SECOND"] = "100"
    return environment | {
        "TAP_LEADS_KOMMO_ACCESS_TOKEN": box.kommo.token,
        "TAP_LEADS_KOMMO_SUBDOMAIN": "example",
        "TAP_LEADS_DASHLY_APP_ID": box.dashly.app_id,
        "TAP_LEADS_DASHLY_AUTH_TOKEN": box.dashly.token,
        "TAP_LEADS_CARROTQUEST_APP_ID": box.carrotquest.app_id,
        "TAP_LEADS_CARROTQUEST_AUTH_TOKEN": box.carrotquest.token,
        "TAP_LEADS_OCTANIST_API_KEY": box.octanist.token,
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.url.replace("://", "+psycopg://"),
        "DBT_POSTGRES_HOST": postgres.url.partition("host=")[2],
        "MELTANO_ENVIRONMENT": "demo",
        "MELTANO_STATE_BACKEND_URI": (OUTPUT / "state").as_uri(),
        "no_proxy": "127.0.0.1",
    }
