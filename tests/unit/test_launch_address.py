"""The dashboard's address."""

import pytest

from tracking.launch.address import url_of


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80")],
)
def test_the_address_shown_can_be_opened(host, url):
    assert url_of(host, 80) == url
