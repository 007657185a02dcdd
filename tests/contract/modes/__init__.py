"""The ways in which crewai can run, as data: what each does, and which request belongs to whom.

`MODES` holds them all; `tests/contract/test_modes.py` compares every one with the meter and keeps
`docs/modes.md`.
"""

from contract.modes import (
    concurrency,
    custom,
    failures,
    flows,
    guardrails,
    hierarchical,
    knowledge,
    lost_context,
    plain,
    providers,
    streaming,
    structured,
    through_litellm,
    tools,
)
from contract.modes.stage import Mode, Ran, Stage

THEMES = (
    plain,
    streaming,
    hierarchical,
    knowledge,
    tools,
    guardrails,
    structured,
    concurrency,
    failures,
    flows,
    lost_context,
    custom,
    providers,
    through_litellm,
)
MODES: tuple[Mode, ...] = tuple(mode for theme in THEMES for mode in theme.MODES)

__all__ = ["MODES", "Mode", "Ran", "Stage"]
