"""Many workers and a busy requester at one crowd server: over HTTP, and what must be true afterwards."""
