"""What `hash_fields` makes of a value."""

from __future__ import annotations

import hashlib
import hmac

KEY = "a key of some length"


def sha(text: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
