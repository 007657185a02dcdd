"""Up to where the calls of a ledger are added up, and which days are kept."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tracking.ledger.rollups.tables import state, zone_days


@dataclass(frozen=True, slots=True)
class State:
    """What the sums hold.

    Attributes:
        watermark: the calls whose position is below it.
        generation: changes whenever calls that were added up did.
    """

    watermark: int
    generation: int


def read_state(connection: sa.Connection) -> State:
    query = sa.select(state.c.watermark, state.c.generation)
    return State(*connection.execute(query).one())


def phases(connection: sa.Connection) -> list[int]:
    """Seconds after midnight of UTC at which days begin that are kept, beside UTC's own."""
    return list(connection.execute(sa.select(zone_days.c.phase).order_by(zone_days.c.phase)).scalars())
