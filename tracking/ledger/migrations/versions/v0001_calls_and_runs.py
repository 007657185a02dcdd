"""Schema 1: calls and runs. The program made it by itself; this is only where the others begin."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing: a ledger that is here has these tables."""
