"""How often each operation was called, and how often that failed, since the server started."""

import multiprocessing

from crowdserver.protocol.validation import known_operations


class CallCounts:
    """Counts that all processes of one server keep together: a call that reads writes nothing for its count.

    Made before the processes part, in memory that they share.
    """

    def __init__(self) -> None:
        self._operations = sorted(known_operations())
        self._places = {name: 2 * number for number, name in enumerate(self._operations)}
        self._numbers = multiprocessing.Array("q", 2 * len(self._operations))

    def count(self, operation: str, succeeded: bool) -> None:
        """Count a call. Whatever the client did not get a good answer to has failed."""
        place = self._places[operation] + (not succeeded)
        with self._numbers.get_lock():
            self._numbers[place] += 1

    def totals(self) -> dict[str, dict[str, int]]:
        """Return the calls so far, by operation: `{"CreateHIT": {"ok": 3, "failed": 1}}`."""
        numbers = self._numbers[:]
        pairs = zip(self._operations, numbers[::2], numbers[1::2], strict=True)
        return {name: {"ok": ok, "failed": failed} for name, ok, failed in pairs if ok or failed}

    def reset(self) -> None:
        """Count from zero again."""
        self._numbers[:] = [0] * len(self._numbers)
