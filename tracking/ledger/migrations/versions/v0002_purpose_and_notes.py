"""Schema 2: what a call was made for, and why its counts are as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("purpose", "notes"):
        op.add_column("calls", sa.Column(name, sa.Text))
