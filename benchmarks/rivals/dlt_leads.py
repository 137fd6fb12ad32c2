"""Load Kommo's leads with dlt's `rest_api` source into JSON Lines files.

https://dlthub.com/docs/dlt-ecosystem/verified-sources/rest_api. Nested values stay in the lead's
row as JSON (`max_table_nesting`), as in the tap's records; child tables would be more work.
Usage: `python dlt_leads.py URL TOKEN FOLDER`.
"""

from __future__ import annotations

import sys

import dlt  # type: ignore[import-not-found]  # installed in its own environment
from dlt.sources.rest_api import (  # type: ignore[import-not-found]  # the same
    rest_api_source,
)

WITH = "contacts,loss_reason,is_price_modified_by_robot,catalog_elements,source_id,source"


def main(url: str, token: str, folder: str) -> None:
    """Load every lead."""
    source = rest_api_source(
        {
            "client": {
                "base_url": f"{url}/api/v4/",
                "auth": {"type": "bearer", "token": token},
                "paginator": {"type": "json_link", "next_url_path": "_links.next.href"},
            },
            "resources": [
                {
                    "name": "leads",
                    "primary_key": "id",
                    "write_disposition": "append",
                    "max_table_nesting": 0,
                    "endpoint": {
                        "path": "leads",
                        "data_selector": "_embedded.leads",
                        "params": {
                            "limit": 250,
                            "with": WITH,
                            "order[updated_at]": "asc",
                            "filter[updated_at][from]": "{incremental.start_value}",
                        },
                        "incremental": {
                            "cursor_path": "updated_at",
                            "initial_value": 0,
                            "row_order": "asc",
                        },
                    },
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        "kommo",
        pipelines_dir=f"{folder}/pipelines",
        destination=dlt.destinations.filesystem(f"file://{folder}/loaded"),
        dataset_name="kommo",
    )
    pipeline.run(source, loader_file_format="jsonl")


if __name__ == "__main__":
    main(*sys.argv[1:])
