"""What proves that a request may do what it asks: all of it follows from the run's token, nothing is stored."""

import hmac


class Keys:
    """Signs and checks for one run. Comparisons take the same time whether right or wrong."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def __repr__(self) -> str:
        return "Keys(…)"

    def unit(self, index: int) -> str:
        """The key in the link of one unit."""
        return self._sign(f"unit:{index}")

    def lease(self, assignment_id: str, worker_id: str) -> str:
        """The signature with which a worker's own page may end his own lease."""
        return self._sign(f"lease:{assignment_id}:{worker_id}")

    def opens_unit(self, key: str, index: int) -> bool:
        """Whether this key opens that unit."""
        return _same(key, self.unit(index))

    def ends_lease(self, signature: str, assignment_id: str, worker_id: str) -> bool:
        """Whether this signature ends that lease."""
        return _same(signature, self.lease(assignment_id, worker_id))

    def is_run(self, authorization: str) -> bool:
        """Whether an Authorization header carries the run's token."""
        scheme, _, token = authorization.partition(" ")
        return hmac.compare_digest(token.strip().encode(), self._token) and scheme.lower() == "bearer"

    def _sign(self, text: str) -> str:
        return hmac.digest(self._token, text.encode(), "sha256").hex()


def _same(given: str, right: str) -> bool:
    # Bytes: compare_digest refuses text that is not ASCII, and the given side is anybody's.
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())
