"""Dead man's switches: services that raise the alarm when nobody calls them. The URL is a secret.

requests is imported where it is used: a check without one does not wait for it.
"""

from __future__ import annotations

from crowdops import __version__
from crowdops.errors import ProviderError, Unreachable

MOST_BYTES = 10_000  # of a body; healthchecks tells its own limit, and cuts off what is longer


def post(url: str, text: str, seconds: float) -> None:
    """Post a text to a switch. ProviderError says why it did not take it, without the URL.

    No redirect is followed: whoever gets the URL could feed the switch.
    """
    import requests

    from crowdops.providers import connections, sessions

    where = sessions.site(url)
    body = text.encode()[:MOST_BYTES].decode(errors="ignore").encode()
    headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": f"crowdops/{__version__}"}
    try:
        with connections.session(url) as session:
            answer = session.post(url, data=body, headers=headers, timeout=seconds, allow_redirects=False)
    except requests.Timeout:
        raise Unreachable(f"{where} did not answer within {seconds:g} s.") from None
    except requests.RequestException as error:  # its own words hold the whole URL
        explained = connections.explain(error, where)
        raise Unreachable(str(explained or f"{where} cannot be reached: nothing answers there.")) from None
    if answer.is_redirect:
        raise ProviderError(f"{where} leads elsewhere ({answer.status_code}). Write the URL it leads to.")
    if not 200 <= answer.status_code < 300:
        advice = " Check the URL." if answer.status_code < 500 else ""
        raise ProviderError(f"{where} answered {answer.status_code}.{advice}")
