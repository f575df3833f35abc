"""What proves that a request may do what it asks: it all follows from the run's token, nothing is stored."""

import hmac


class Signer:
    """Signs and checks for one run. Comparisons take the same time whether right or wrong."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def __repr__(self) -> str:
        return "Signer(…)"

    def unit_key(self, index: int) -> str:
        """Return the key in the link of one unit."""
        return self._sign(f"unit:{index}")

    def lease_signature(self, assignment_id: str, worker_id: str) -> str:
        """Return the signature with which a worker's own page may end the worker's own lease."""
        return self._sign(f"lease:{assignment_id}:{worker_id}")

    def opens_unit(self, key: str, index: int) -> bool:
        """Return whether this key opens that unit."""
        return _is_same(key, self.unit_key(index))

    def ends_lease(self, signature: str, assignment_id: str, worker_id: str) -> bool:
        """Return whether this signature ends that lease."""
        return _is_same(signature, self.lease_signature(assignment_id, worker_id))

    def is_run(self, authorization: str) -> bool:
        """Return whether an Authorization header carries the run's token."""
        scheme, _, token = authorization.partition(" ")
        return hmac.compare_digest(token.strip().encode(), self._token) and scheme.lower() == "bearer"

    def _sign(self, text: str) -> str:
        return hmac.digest(self._token, text.encode(), "sha256").hex()


def _is_same(text: str, expected: str) -> bool:
    # Bytes: compare_digest refuses text that is not ASCII, and this text is anybody's.
    return hmac.compare_digest(text.encode("utf-8", "replace"), expected.encode())
