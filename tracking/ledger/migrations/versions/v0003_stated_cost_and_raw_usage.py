"""Schema 3: what the provider says that a call cost, and its counts in its own words."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("calls", sa.Column("stated_nano_usd", sa.BigInteger))
    op.add_column("calls", sa.Column("raw_usage", sa.Text))
