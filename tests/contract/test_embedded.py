"""The local model's server, where it does not answer."""

import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore:Cannot set an attribute on 'crewai:ImportWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
]


def test_a_server_that_does_not_say_what_it_counted_is_no_reason_to_fail_a_run():
    from tracking.crew.embedded import EmbeddedServer

    gone = object.__new__(EmbeddedServer)
    gone.api_key, gone.url = "k", "http://127.0.0.1:1"
    assert gone.metered() is None
