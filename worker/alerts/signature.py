"""The headers of Standard Webhooks: https://www.standardwebhooks.com."""

import base64
import hashlib
import hmac

from config.alerts import secret_bytes


def headers(message_id: str, body: bytes, secret: str, now: float) -> dict[str, str]:
    """Returns the headers of a message: its id, the time, and where there is a secret the signature of all three.

    Args:
        message_id: the same whenever the message is sent again; the receiver's key for duplicates.
        body: what is sent, byte for byte.
        secret: `whsec_` and base64; empty without a signature.
        now: epoch in seconds. A receiver refuses what is older than five minutes.
    """
    found = {"webhook-id": message_id, "webhook-timestamp": str(int(now))}
    if secret:
        signed = f"{message_id}.{int(now)}.".encode() + body
        digest = hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest()
        found["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return found
