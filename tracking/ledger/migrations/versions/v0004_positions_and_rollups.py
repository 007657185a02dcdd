"""Schema 4: calls have positions, receipts are kept once, sums have tables, runs may belong to a batch.

The tables are made as `schema` has them. When a schema 5 changes one that is made here, its form of today is
to be written out below.
"""

import json

import sqlalchemy as sa
from alembic import op

from tracking.ledger.partitions import add_partitions
from tracking.ledger.receipts import receipt_id
from tracking.ledger.rollups.grains import months
from tracking.ledger.rows import searched
from tracking.ledger.schema import calls
from tracking.ledger.upgrade import create

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    connection = op.get_bind()
    op.drop_index("calls_by_run", "calls")
    op.drop_index("calls_by_time", "calls")
    op.rename_table("calls", "calls_3")
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE calls_3 DROP CONSTRAINT calls_pkey")
    op.add_column("runs", sa.Column("batch_id", sa.Text))
    op.add_column("runs", sa.Column("batch_position", sa.Integer))
    op.add_column("runs", sa.Column("searched", sa.Text))
    op.add_column("runs", sa.Column("stop_after_task_at", sa.BigInteger))
    op.add_column("runs", sa.Column("budget_wait", sa.Text))
    op.drop_index("runs_by_time", "runs")
    op.add_column("workers", sa.Column("draining", sa.Integer, nullable=False, server_default="0"))
    op.add_column("workers", sa.Column("concurrency", sa.Integer, nullable=False, server_default="1"))
    create(connection)
    op.create_index("runs_by_batch", "runs", ["batch_id", "batch_position"], if_not_exists=True)
    _make_runs_searchable(connection)
    _move_receipts(connection)
    _move_calls(connection)
    op.drop_table("calls_3")
    op.drop_table("schema_version")


def _make_runs_searchable(connection: sa.Connection) -> None:
    found = connection.exec_driver_sql("SELECT run_id, preset, name, spec FROM runs").all()
    rows = [
        {"id": run_id, "text": searched(run_id, preset, name, json.loads(spec))}
        for run_id, preset, name, spec in found
    ]
    if rows:
        connection.execute(sa.text("UPDATE runs SET searched = :text WHERE run_id = :id"), rows)


def _move_receipts(connection: sa.Connection) -> None:
    texts = connection.exec_driver_sql("SELECT DISTINCT receipt FROM calls_3 WHERE receipt IS NOT NULL")
    rows = [{"id": receipt_id(text), "text": text} for text in texts.scalars()]
    if rows:
        connection.execute(sa.text("INSERT INTO receipts VALUES (:id, :text)"), rows)


def _move_calls(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        first, last = connection.exec_driver_sql("SELECT MIN(started_at), MAX(started_at) FROM calls_3").one()
        if first is not None:
            add_partitions(connection, (start for start, _ in months(first, last + 1)))
    kept = ", ".join(column.name for column in calls.columns if column.name not in {"position", "receipt_id"})
    connection.exec_driver_sql(
        f"INSERT INTO calls ({kept}, receipt_id) "  # noqa: S608  # names of our own schema
        f"SELECT {kept}, receipt_id FROM calls_3 LEFT JOIN receipts USING (receipt) ORDER BY started_at"
    )
