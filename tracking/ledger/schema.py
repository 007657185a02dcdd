"""The ledger's tables. Times are microseconds since 1970 in UTC, durations microseconds, money nano-dollars.

No column holds anything that was said to or by a model.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

SCHEMA_VERSION = 3

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

calls = Table(
    "calls",
    metadata,
    Column("call_id", Text, primary_key=True),
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
    Column("receipt", Text),  # JSON
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
    Column("stop_reason", Text),
    Column("worker", Text),
    Column("pid", Integer),
    Column("spec", Text, nullable=False),  # JSON
    Column("error", Text),  # JSON
    Column("readings", Text),  # JSON
    Column("evidence", Text, nullable=False),  # JSON
    Index("runs_by_time", "created_at"),
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
)
