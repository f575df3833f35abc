#!/usr/bin/env python3
"""Say whose Heroku key this is, what it may do, and how many more apps the account can have.

The key is read from HEROKU_API_KEY, in the environment or in .env; HEROKU_HOST may name an emulator on this
machine. For cron: exit 0 if a task server could be launched now, 1 if not, 2 if there is no valid key.

Examples:
            whose key, and how many more apps?
    --json  the same, for a program
"""

if __name__ == "__main__":
    import pathlib
    import runpy

    runpy.run_path(str(pathlib.Path(__file__).resolve().parents[1] / "start.py"))

from crowdops.config.settings import Settings
from crowdops.console import cli, columns, output


@cli.command(__doc__)
@cli.with_settings
def main(settings: Settings) -> int:
    from crowdops.servers.heroku import account, view

    credentials = account.check(settings)
    document = columns.document(view.CREDENTIALS, credentials)
    output.either(settings.as_json, document, view.describe(credentials))
    return 0 if credentials.can_launch else cli.EXIT_FAILED


if __name__ == "__main__":
    main()
