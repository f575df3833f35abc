"""Variables that are no settings of ours: what each means, to whom, and some advice."""

from __future__ import annotations

from functools import partial

from crowdops.config.declarations import Setting

_text = partial(Setting, "text")
_path = partial(Setting, "path")
_secret = partial(Setting, "secret")


def _variables(**declared: Setting) -> tuple[Setting, ...]:
    return tuple(row._replace(name=name, variable=name) for name, row in declared.items())


# Read from the environment, then from .env, as settings are.
VARIABLES = _variables(
    HEROKU_API_KEY=_secret(
        "API key of the Heroku account that task servers are deployed to.",
        "Make one: heroku authorizations:create. Try it: make heroku-check. In .env, which must "
        "then be readable by you only, or in the environment.",
    ),
    HEROKU_HOST=_text(
        "Address of a Heroku emulator on this machine, in place of Heroku.",
        "For tests and rehearsals. The Heroku CLI reads it, too.",
    ),
    DATABASE_URL=_secret(
        "Database of the leases of a task server that runs on several dynos.",
        "postgresql://USER:PASSWORD@HOST/NAME. One dyno needs none.",
    ),
    CROWD_DATABASE_URL=_secret(
        "Database of a crowd server, in place of the file crowd/crowd.db in the home.",
        "postgresql://USER:PASSWORD@HOST/NAME, for more than one machine or several processes. In .env, "
        "which must then be readable by you only, or in the environment.",
    ),
    CROWD_ACCESS_KEY_ID=_secret(
        "Id of the requester's key of a crowd server that has no disk, such as one at Heroku.",
        "16 to 128 letters, digits and _. The crowd server reads it, before its credentials file.",
    ),
    CROWD_SECRET_ACCESS_KEY=_secret(
        "Secret of the requester's key of a crowd server that has no disk.",
        "At least 32 characters. It goes with CROWD_ACCESS_KEY_ID.",
    ),
    CROWDOPS_PING_URL=_secret(
        "URL of a dead man's switch that every check of runs calls, in the form of healthchecks.io.",
        "It raises the alarm when no check calls, because cron or the machine has died. In .env, which must "
        "then be readable by you only, or in the environment. As --ping it can be seen in ps.",
    ),
    CROWDOPS_NOTIFY_URLS=_secret(
        "URLs of whom a check of runs tells when its state changes, separated by blanks.",
        "Those of apprise: mailtos://…, slack://…, tgram://…, json://…, see docs/cron.md. In .env, which "
        "must then be readable by you only, or in the environment. As --notify they can be seen in ps.",
    ),
)

# Those that a crowd server reads from its environment.
OF_CROWD_SERVERS = ("CROWD_DATABASE_URL", "CROWD_ACCESS_KEY_ID", "CROWD_SECRET_ACCESS_KEY")

# Read from the environment only, by the libraries or programs that they belong to.
OUTSIDE = _variables(
    AWS_ACCESS_KEY_ID=_secret(
        "Id of the key that boto3 reads in the environments sandbox and production.",
        "Without it, boto3 looks in ~/.aws.",
    ),
    AWS_SECRET_ACCESS_KEY=_secret(
        "Secret of the key that boto3 reads in the environments sandbox and production.",
        "It goes with AWS_ACCESS_KEY_ID.",
    ),
    AWS_SESSION_TOKEN=_secret(
        "Token of a temporary key that boto3 reads in the environments sandbox and production.",
        "It ends with the session.",
    ),
    AWS_PROFILE=_text(
        "Section of ~/.aws/credentials that boto3 reads in the environments sandbox and production.",
        "The default is [default].",
    ),
    AWS_SHARED_CREDENTIALS_FILE=_path(
        "File with the keys that boto3 reads in the environments sandbox and production.",
        "The default is ~/.aws/credentials.",
    ),
    AWS_CONFIG_FILE=_path(
        "File with boto3's settings that boto3 reads in the environments sandbox and production.",
        "The default is ~/.aws/config.",
    ),
    AWS_CA_BUNDLE=_path(
        "File of certificates that boto3 trusts.",
        "For an endpoint with a certificate of your own.",
    ),
    REQUESTS_CA_BUNDLE=_path(
        "File of certificates that are trusted where no API of Amazon's is spoken.",
        "For task servers and worker sites with a certificate of your own.",
    ),
    HTTP_PROXY=_secret(
        "Proxy for addresses with http://.",
        "It may hold a password. Nothing on this machine should go through one: see NO_PROXY.",
    ),
    HTTPS_PROXY=_secret(
        "Proxy for addresses with https://.",
        "Set NO_PROXY for what is near.",
    ),
    NO_PROXY=_text(
        "Hosts that are reached without a proxy, separated by commas.",
        "NO_PROXY=127.0.0.1,localhost keeps the crowd server of this machine reachable.",
    ),
    CROWD_PUBLIC_URL=_text(
        "Address outside of a crowd server that stands behind a web server.",
        "https://lab.example/crowd. The crowd server reads it, as its --public-url: links, cookies and forms "
        "follow it.",
    ),
    CROWD_TRUSTED_PROXIES=_text(
        "Web servers whose X-Forwarded-* a crowd server believes, separated by commas.",
        "10.0.0.7,10.1.0.0/16. Nobody's count by default, and none where CROWD_PUBLIC_URL is set.",
    ),
    CROWD_SITE_NAME=_text(
        "The lab's name on the worker site of a crowd server.",
        "The crowd server reads it, as its --site-name.",
    ),
    CROWD_CONSENT_FILE=_path(
        "File of the text that each worker of a crowd server agrees to first.",
        "The crowd server reads it, as its --consent-file. Where the text changes, everybody is asked again.",
    ),
    CROWDOPS_HOST=_text(
        "Address that a task server listens on.",
        "It is set for task servers that the suite starts on this machine: 127.0.0.1.",
    ),
    CROWDOPS_RUN_TOKEN=_secret(
        "Token that signs what a run's task server serves.",
        "It is set for each task server. Without it the server does not start.",
    ),
    CROWDOPS_MANAGED=_text(
        "Mark of a task server of ours: 1.",
        "It stands in the config vars of apps at Heroku and in the environment of local servers. "
        "Apps without it are never deleted.",
    ),
    CROWDOPS_RUN_ID=_text(
        "Mark of a task server: the run it serves.",
        "See CROWDOPS_MANAGED.",
    ),
    CROWDOPS_SERVER=_text(
        "Mark of a local task server: its name.",
        "See CROWDOPS_MANAGED.",
    ),
    CROWDOPS_CREATOR=_text(
        "Mark of an app at Heroku: the account that made it.",
        "Only that account's key deletes it.",
    ),
    CROWDOPS_CROWD=_text(
        "Mark of an app at Heroku that is a crowd server: 1.",
        "It is deleted only by its name: make heroku-kill NAME=…",
    ),
    CROWDOPS_OWN_APP=_text(
        "Mark of a server that is your own app: 1.",
        "See app_dir.",
    ),
)
