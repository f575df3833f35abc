"""What nobody would send: to the crowd server as a requester or a worker, to the suite as a provider."""
