"""Which crowd server answers at an address: one short unsigned question, which is no call of the API.

requests is imported where it is used: most commands know from the answers to their calls.
"""

from __future__ import annotations

from crowdops.config.settings import Settings
from crowdops.errors import ProviderError, Unreachable
from crowdops.providers import answers, connections
from crowdops.providers.mturk import failures
from crowdops.providers.mturk.session import SERVER_ID_HEADER, told_identity

HEALTH_SECONDS = 3.0
DOWN = (502, 503, 504)  # what a proxy says whose server does not answer


def ask(settings: Settings) -> str | None:
    """Return the identity of the server at the settings' endpoint; None for one without. Reads no body.

    Unreachable if nobody answers, ProviderError if nobody can be asked there.
    """
    import requests

    endpoint, seconds = settings.endpoint, min(settings.timeout, HEALTH_SECONDS)
    try:
        address = f"{endpoint}/health"
        with (
            connections.session(address) as session,
            session.get(address, timeout=seconds, stream=True, allow_redirects=False) as answer,
        ):
            if answer.status_code in DOWN:
                raise Unreachable(f"{endpoint} fails: {answer.status_code} {answers.brief(answer.reason)}.")
            return told_identity(answer.headers.get(SERVER_ID_HEADER))
    except requests.Timeout:
        raise Unreachable(f"{endpoint} did not answer within {seconds:g} s.") from None
    except requests.ConnectionError as error:
        raise (connections.explain(error, endpoint) or failures.nobody_listens(settings)) from error
    except requests.RequestException as error:
        raise ProviderError(
            f"{endpoint} cannot be used as an endpoint: {answers.brief(str(error))}"
        ) from error
