"""Names of accounts that are safe in file names, state IDs and environment variables."""

from __future__ import annotations

import hashlib
import re


def account_id(source: str, label: str) -> str:
    """Return the ID of an account: its source and its label, made safe and still unique."""
    if re.fullmatch("[a-z0-9_-]{1,60}", label):
        return f"{source}-{label}"
    # Two other labels may be the same text once they fit into a file name, so the ID gets a
    # digest. It follows a dot, which labels of the first form cannot contain.
    plain = re.sub("[^a-z0-9_-]+", "-", label.lower())[:40]
    digest = hashlib.sha256(label.encode()).hexdigest()
    return f"{source}-{plain}.{digest[:16]}"
