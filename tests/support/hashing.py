"""The hashes of `hash_fields`."""

from __future__ import annotations

import hashlib
import hmac

KEY = "a key of some length"


def sha(text: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
