"""The requester's account: its funds, what of them is held for assignments to come, and what those cost.

For every assignment that a worker can still get paid for, the reward and the fee are held. Approval pays
them, rejection releases them. Amounts are whole cents here and decimal dollars in the API.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from crowdserver.protocol import errors
from crowdserver.storage.schema import account

# The most cents a column can count; nobody has that much.
_LIMIT = 2**62

# A sandbox's account: so much that it never gets less than the balance that is shown of it.
SANDBOX_FUNDS = _LIMIT
_SANDBOX_BALANCE = 10_000_00

_FEE_SHARE = Decimal("0.20")
_SHARE_FOR_MANY = Decimal("0.20")
_MANY_ASSIGNMENTS = 10
_SHARE_FOR_MASTERS = Decimal("0.05")
_LEAST_FEE = 1

_BALANCE = select(account.c.funds, account.c.held)
_HOLD = (
    update(account)
    .where(account.c.funds - account.c.held >= bindparam("amount"))
    .values(held=account.c.held + bindparam("amount"))
)
_RELEASE = update(account).values(held=account.c.held - bindparam("amount"))
_PAY_HELD = update(account).values(
    held=account.c.held - bindparam("amount"), funds=account.c.funds - bindparam("amount")
)
_PAY = (
    update(account)
    .where(account.c.funds - account.c.held >= bindparam("amount"))
    .values(funds=account.c.funds - bindparam("amount"))
)


class Balance(NamedTuple):
    """What an account has, in cents. available: what can still be spent; held: what is kept back."""

    available: int
    held: int


def cents(amount: str) -> int:
    """Return an amount, as the API writes it, in cents. The caller has checked its form."""
    return int(Decimal(amount) * 100)


def dollars(amount: int) -> Decimal:
    """Return cents as dollars with two decimals, so that str() gives the API's form."""
    return Decimal(amount).scaleb(-2)


def fee(reward: int, assignments: int, for_masters: bool) -> int:
    """Return the fee for one assignment: a share of the reward, more from 10 assignments on and for Masters.

    The shares are added up before rounding once, half up, and the fee is never below one cent.
    Source: Amazon's price list of 2026.
    """
    share = _FEE_SHARE
    if assignments >= _MANY_ASSIGNMENTS:
        share += _SHARE_FOR_MANY
    if for_masters:
        share += _SHARE_FOR_MASTERS
    return max(_LEAST_FEE, int((reward * share).to_integral_value(ROUND_HALF_UP)))


def bonus_fee(amount: int) -> int:
    """Return the fee for a bonus: it follows the same rule, and nothing makes it greater."""
    return fee(amount, assignments=1, for_masters=False)


def balance(tx: Connection) -> Balance:
    """Return what the account has."""
    row = tx.execute(_BALANCE).one()
    if row.funds > SANDBOX_FUNDS // 2:
        return Balance(_SANDBOX_BALANCE, 0)
    return Balance(row.funds - row.held, row.held)


def hold(tx: Connection, amount: int) -> None:
    """Hold money for assignments. Raises InsufficientFunds when the account has less available."""
    if amount > _LIMIT or tx.execute(_HOLD, {"amount": amount}).rowcount == 0:
        raise errors.insufficient_funds()


def release(tx: Connection, amount: int) -> None:
    """Make held money available again."""
    tx.execute(_RELEASE, {"amount": amount})


def pay_held(tx: Connection, amount: int) -> None:
    """Pay from what was held; there is always enough."""
    tx.execute(_PAY_HELD, {"amount": amount})


def pay(tx: Connection, amount: int) -> None:
    """Pay from what is available. Raises InsufficientFunds when that is less."""
    if amount > _LIMIT or tx.execute(_PAY, {"amount": amount}).rowcount == 0:
        raise errors.insufficient_funds()
