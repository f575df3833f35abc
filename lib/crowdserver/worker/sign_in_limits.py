"""How many sign-in links that sign nobody in may be tried: from one address, and by everybody.

The counts lie in the database, for all processes, and those of a period that is over are deleted.
"""

from sqlalchemy import Connection, bindparam, delete, select

from crowdserver.storage.people_tables import failed_sign_ins
from crowdserver.storage.upsert import Upsert

PERIOD_SECONDS = 600
# A whole class behind one address may open links that have ended.
MOST_FROM_ONE = 50
# More than any mistake makes, few enough to be kept.
MOST_OF_ALL = 5_000

_EVERYBODY = "everybody"
_COUNTS = select(failed_sign_ins.c.address, failed_sign_ins.c.failures).where(
    failed_sign_ins.c.period == bindparam("period"),
    failed_sign_ins.c.address.in_(bindparam("addresses", expanding=True)),
)
_FORGET = delete(failed_sign_ins).where(failed_sign_ins.c.period < bindparam("period"))
_COUNT = Upsert(failed_sign_ins, add=["failures"])


def is_reached(tx: Connection, now: float, address: str | None) -> bool:
    """Return whether too many links have failed in this period. address: None where it is not known."""
    values = {"period": _period(now), "addresses": _counted(address)}
    limits = {_EVERYBODY: MOST_OF_ALL}
    return any(row.failures >= limits.get(row.address, MOST_FROM_ONE) for row in tx.execute(_COUNTS, values))


def count(tx: Connection, now: float, address: str | None) -> None:
    """Count a link that signed nobody in."""
    tx.execute(_FORGET, {"period": _period(now)})
    for counted in _counted(address):
        _COUNT.execute(tx, {"period": _period(now), "address": counted, "failures": 1})


def _period(now: float) -> int:
    return int(now // PERIOD_SECONDS)


def _counted(address: str | None) -> list[str]:
    return [_EVERYBODY] if address is None else [_EVERYBODY, address]
