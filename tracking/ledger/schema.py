"""The ledger's tables. Times are microseconds since 1970 in UTC, durations microseconds, money nano-dollars.

No column holds anything that was said to or by a model. What is added up of the calls has tables of its own,
see `rollups.tables`. A change here needs a migration, see `upgrade`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, text

SCHEMA_VERSION = 4

metadata = MetaData()

# On PostgreSQL `calls` is partitioned by month, and `position` is another thing: see `partitions`.
calls = Table(
    "calls",
    metadata,
    # Grows from call to call and is never used twice: what is below a watermark has been added up.
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("call_id", Text, unique=True, nullable=False),
    Column("run_id", Text),
    Column("started_at", BigInteger, nullable=False),
    Column("duration", BigInteger, nullable=False),
    Column("provider_name", Text, nullable=False),
    Column("request_model", Text, nullable=False),
    Column("response_model", Text),
    Column("operation_name", Text, nullable=False),
    Column("purpose", Text),  # None: recorded by schema 1, which did not ask
    Column("agent_name", Text),
    Column("task_name", Text),
    Column("workflow_name", Text),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cache_read_input_tokens", BigInteger),
    Column("cache_creation_input_tokens", BigInteger),
    Column("cache_creation_5m_input_tokens", BigInteger),
    Column("cache_creation_1h_input_tokens", BigInteger),
    Column("reasoning_output_tokens", BigInteger),
    Column("input_audio_tokens", BigInteger),
    Column("output_audio_tokens", BigInteger),
    Column("web_search_requests", BigInteger),
    Column("usage_state", Text, nullable=False),
    Column("cost_nano_usd", BigInteger),
    Column("cost_state", Text, nullable=False),
    Column("receipt_id", BigInteger),  # of `receipts`; since schema 4, before it stood here
    Column("status", Text, nullable=False),
    Column("error_type", Text),
    Column("response_id", Text),
    Column("service_tier", Text),
    Column("sources", Text, nullable=False),  # comma separated
    Column("notes", Text),  # JSON
    Column("stated_nano_usd", BigInteger),  # what the provider says it cost; since schema 3
    Column("raw_usage", Text),  # JSON, since schema 3
    Column("billed", Integer, nullable=False),  # 0 for a refused request, see LlmCall.billed
    Index("calls_by_run", "run_id", "started_at"),
    Index("calls_by_time", "started_at"),
    Index(
        "calls_unpriced",
        "started_at",
        sqlite_where=text("cost_state = 'unpriced'"),
        postgresql_where=text("cost_state = 'unpriced'"),
    ),
    sqlite_autoincrement=True,
)

# Thousands of calls share a receipt: it is kept once, under a number made of what it says.
receipts = Table(
    "receipts",
    metadata,
    Column("receipt_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("receipt", Text, nullable=False),  # JSON
)

# Months whose calls have left the database, see `retention`. Those that come later are in `calls`, until they
# follow as another part.
archives = Table(
    "archives",
    metadata,
    Column("month", BigInteger, primary_key=True, autoincrement=False),  # its start
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("file", Text),  # its name; None: the calls were not kept, only their sums
    Column("calls", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("preset", Text),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("heartbeat_at", BigInteger),
    Column("stop_requested_at", BigInteger),
    Column("stop_after_task_at", BigInteger),  # when somebody asked for it; since schema 4
    Column("stop_reason", Text),
    Column("worker", Text),
    Column("pid", Integer),
    Column("spec", Text, nullable=False),  # JSON
    Column("error", Text),  # JSON
    Column("readings", Text),  # JSON
    Column("evidence", Text, nullable=False),  # JSON
    Column("batch_id", Text),  # since schema 4
    Column("batch_position", Integer),
    Column("budget_wait", Text),  # JSON: the refusal that a run waits to see undone; since schema 4
    Column("searched", Text),  # what a person may look for, see `rows.searched`; since schema 4
    # Everything that runs are searched by is in it: their other columns are long, and there are many rows.
    Index("runs_by_time", "created_at", "state", "preset", "searched", "run_id"),
    Index("runs_by_state", "state", "created_at"),
    Index("runs_by_preset", "preset"),
    Index("runs_by_batch", "batch_id", "batch_position"),
)

batches = Table(
    "batches",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),  # the name of the file that the inputs came from
    Column("size", Integer, nullable=False),  # how many runs it has
)

run_tasks = Table(
    "run_tasks",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("task_name", Text, nullable=False),
    Column("agent_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
)

run_log = Table(
    "run_log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("worker_id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("heartbeat_at", BigInteger, nullable=False),
    Column("running", Integer, nullable=False),  # how many runs it carries out now
    Column("warm", Integer, nullable=False),  # 1: a spare process stands ready
    Column("versions", Text, nullable=False),  # JSON
    # Not there before schema 4: a worker of an older program that still runs says nothing of them.
    Column("concurrency", Integer, nullable=False, server_default="1"),
    Column("draining", Integer, nullable=False, server_default="0"),  # 1: it takes no new run
)

# Calls that have been sent and have not ended, as their run's process last said: for those who watch.
calls_under_way = Table(
    "calls_under_way",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False, index=True),
    Column("started_at", BigInteger, nullable=False),
    Column("provider_name", Text, nullable=False),
    Column("request_model", Text, nullable=False),
    Column("operation_name", Text, nullable=False),
    Column("agent_name", Text),
    Column("task_name", Text),
    Column("output_tokens", BigInteger),  # estimated from what arrived so far; None: nothing did
)

# Budgets that were made on the page; others are in config/budgets.toml.
budgets = Table(
    "budgets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("definition", Text, nullable=False),  # JSON
)

# What a budget has given out in one of its periods. Amounts of those who ask before they spend are exact;
# `other_…` is what everybody else recorded in the ledger.
budget_accounts = Table(
    "budget_accounts",
    metadata,
    Column("budget", Text, primary_key=True),
    Column("period", Text, primary_key=True),  # a run's id, or the period's name (2026-11-22, 2026-W47, all)
    Column("since", BigInteger),  # inclusive; None: from the beginning
    Column("until", BigInteger),  # exclusive; None: for ever
    *(
        Column(f"{kind}_{unit}", BigInteger, nullable=False, server_default="0")
        for kind in ("settled", "presumed", "other", "reserved", "raised", "overshoot")
        for unit in ("nano_usd", "tokens", "calls")
    ),
    Column("refused", Integer, nullable=False, server_default="0"),  # calls
    Column("warned", Integer, nullable=False, server_default="0"),  # per cent of the limit, the last told
    Column("synced_at", BigInteger),  # when `other_…` was last read
)

# What was set aside for a call that has not ended yet.
reservations = Table(
    "reservations",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("holder", Text, primary_key=True),  # blocks inside one another hold for the same call
    Column("at", BigInteger, nullable=False),
    Column("run_id", Text),
    Column("accounts", Text, nullable=False),  # JSON: [[budget, period, nano-dollars, tokens, calls], ...]
    Index("reservations_by_holder", "holder"),
)

# Processes that hold reservations. One that has fallen silent holds none.
reservation_holders = Table(
    "reservation_holders",
    metadata,
    Column("holder", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("heartbeat_at", BigInteger, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),  # alerts of the same key are the same news
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("run_id", Text),
    Index("alerts_by_key", "key", "at"),
)

# Every attempt to tell an alert to one destination is this row, tried again until it is sent or given up.
alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("alert_id", Integer, primary_key=True, autoincrement=False),
    Column("destination", Text, primary_key=True),  # its name in config/alerts.toml; never its address
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("problem", Text),
    Index("alert_deliveries_by_state", "state", "due_at"),
)
