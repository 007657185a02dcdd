"""Whatever is sent and answered, counting it never raises, and never yields an unsound count."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracking.capture import texts
from tracking.capture.estimate import Said, settle
from tracking.domain.call import CallStatus
from tracking.domain.usage import TokenUsage, UsageState

NAMES = sorted(
    texts._CONVERSATION
    | texts._SYSTEM
    | texts._TOOLS
    | texts._SHAPES
    | texts._SAID
    | texts._DATA
    | {
        "toolConfig",
        "choices",
        "candidates",
        "delta",
        "content_block",
        "start",
        "type",
        "item",
        "role",
        "odd",
    }
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(sorted(texts._KINDS))
)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
COUNTS = st.none() | st.integers(0, 10**6)
USAGES = st.none() | st.builds(TokenUsage, input_tokens=COUNTS, output_tokens=COUNTS)


@settings(max_examples=300)
@given(BODIES, st.lists(BODIES, max_size=3), USAGES, st.sampled_from(CallStatus), st.booleans())
@example({"messages": [{"role": "user", "content": 5}]}, [{"choices": [None]}], None, CallStatus.OK, True)
def test_counting_never_raises_and_keeps_what_was_reported(request, events, reported, status, writes):
    said = Said(json.dumps(request).encode())
    for event in events:
        said.hear(event)
    settled = settle(said, reported, status, writes=writes)
    assert (settled.usage is None) == (settled.state is UsageState.UNKNOWN)
    assert bool(settled.notes) == (
        status is not CallStatus.ERROR and settled.state is not UsageState.REPORTED
    )
    if settled.usage is not None and reported is not None and reported.total_tokens:
        assert (settled.usage.input_tokens or 0) >= (reported.input_tokens or 0)
        assert (settled.usage.output_tokens or 0) >= (reported.output_tokens or 0) or not writes
