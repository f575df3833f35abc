"""What is read of a request before anybody asks whose it is: its head, and of its body what may be used."""

from __future__ import annotations

from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver, FixedStreamReceiver
from waitress.utilities import RequestEntityTooLarge

HEAD_BYTES = 64 << 10
BODY_BYTES = 1 << 20
# A browser shows an answer only when all that it sends is read; beyond this it is cut off.
READ_BYTES = 64 << 20
# What of a body is kept in memory, the rest in a file: many may be half read at once.
MEMORY_BYTES = 128 << 10


class Request(HTTPRequestParser):
    """One request as it comes in.

    Of a body that is too long only the length is handed on: no application takes it, and each says so in its
    own words. One in chunks tells its length too late for that, and gets a plain 413.
    """

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head, and choose what takes the body."""
        super().parse_header(header_plus)
        if self.content_length > BODY_BYTES:
            self.body_rcv = FixedStreamReceiver(self.content_length, _Nothing(0))

    def received(self, data: bytes) -> int:
        """Take what has come in; return how much of it belongs to this request."""
        taken: int = super().received(data)
        if isinstance(self.body_rcv, ChunkedReceiver) and not self.error and len(self.body_rcv) > BODY_BYTES:
            self.error = RequestEntityTooLarge(f"exceeds max_body of {BODY_BYTES}")
            self.completed = True
        return taken


class _Nothing(OverflowableBuffer):
    """A buffer that keeps nothing."""

    def append(self, _data: bytes) -> None:
        """Forget what has come in."""
