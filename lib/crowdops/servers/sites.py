"""Where the pages of a run are submitted to: the addresses at which its crowd server is seen."""

from __future__ import annotations

from urllib.parse import urlsplit

from crowdops.config import addresses
from crowdops.config.environments import ENVIRONMENTS
from crowdops.context import Context
from crowdops.providers import task_server
from crowdops.registry import Run, Server


def submit_origins(context: Context, run: Run) -> list[str]:
    """Return the run's crowd server, and that one's address outside; nothing for Amazon, which all know."""
    if ENVIRONMENTS[run.environment].amazon:
        return []
    public_url = (task_server.health(run.endpoint, context.settings.timeout) or {}).get("public_url")
    urls = [url for url in (run.endpoint, public_url) if isinstance(url, str)]
    return list(dict.fromkeys(_site(url) for url in urls))


def tell(context: Context, server: Server, token: str) -> None:
    """Tell a run's task server where its crowd server is seen by now. Safe to repeat; it may fail."""
    run = context.registry.run(server.run_id) if server.run_id else None
    if run is None:
        return
    sites = [site for site in submit_origins(context, run) if not addresses.is_loopback(site)]
    if sites:  # this machine's own addresses are known without
        task_server.add_sites(server.url or "", token, sites, context.settings.timeout)


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
