"""The registry: one sqlite file that remembers every run, unit and assignment, and what was paid for them.

The only place that knows sqlite and SQL. Each public method is one transaction, committed before it returns;
none makes a network call. Intents are on the disk by then. A power cut can undo the last answers; their units
are then settled like any whose answer was lost. Several processes may use the file at once.
"""

from crowdops.registry.archive import Archives
from crowdops.registry.assignments import Assignments
from crowdops.registry.bonuses import Bonuses
from crowdops.registry.decisions import Decisions
from crowdops.registry.extensions import Extension, Extensions, Order
from crowdops.registry.journal import Journal
from crowdops.registry.kept_counts import KeptCounts
from crowdops.registry.messages import Messages
from crowdops.registry.paces import Pace, Paces
from crowdops.registry.rows import (
    END_STATES,
    ENDED_UNITS,
    OPEN_STATES,
    OUT_OF_MONEY,
    REVIEWED,
    STRANDED,
    Assignment,
    BonusRow,
    Decision,
    Event,
    Look,
    Result,
    Run,
    Server,
    Unit,
)
from crowdops.registry.runs import Runs
from crowdops.registry.servers import Servers
from crowdops.registry.top_ups import Place, TopUps, UnitAnswers

__all__ = [
    "ENDED_UNITS",
    "END_STATES",
    "OPEN_STATES",
    "OUT_OF_MONEY",
    "REVIEWED",
    "STRANDED",
    "Assignment",
    "BonusRow",
    "Decision",
    "Event",
    "Extension",
    "Look",
    "Order",
    "Pace",
    "Place",
    "Registry",
    "Result",
    "Run",
    "Server",
    "Unit",
    "UnitAnswers",
]


class Registry(
    Runs,
    KeptCounts,
    Assignments,
    Extensions,
    TopUps,
    Servers,
    Decisions,
    Bonuses,
    Messages,
    Paces,
    Journal,
    Archives,
):
    """An open registry. Use `with Registry.open(home) as registry`; one thread at a time."""
