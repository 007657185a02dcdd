"""The pages of a long history against the same pages of a short one: what is drawn grows with neither."""

from statistics import median

import pytest
from bench.loading import Made
from browser import ROOT, chromium, streamlit

pytestmark = [pytest.mark.bench, pytest.mark.timeout(4 * 3_600)]

FEW = 1_000
ROUNDS = 9
MOST = 1.3
PAGES = ("runs", "overview")
# The script has ended, every place is filled, charts and tables are drawn; and it stays so for a moment.
SETTLED = """() => {
  const all = selector => [...document.querySelectorAll(selector)];
  const app = document.querySelector('[data-testid="stApp"]');
  const drawn = app && app.dataset.testScriptState === "notRunning"
    && all('h1').length > 0
    && ["stStatusWidget", "stSkeleton", "stAppSkeleton"].every(id => !all(`[data-testid="${id}"]`).length)
    && all('[data-testid="stPlotlyChart"]').every(each => each.querySelector('svg.main-svg'))
    && all('[data-testid="stDataFrame"]').every(each => each.querySelector('canvas'));
  const now = performance.timeOrigin + performance.now();
  if (!drawn) { window.drawnSince = null; return null; }
  window.drawnSince ??= now;
  return now - window.drawnSince > 500 ? window.drawnSince : null;
}"""


def load_seconds(page, url):
    """From asking for the page until it is drawn."""
    page.goto("about:blank")
    started = page.evaluate("performance.timeOrigin + performance.now()")
    page.goto(url, wait_until="commit")
    drawn = page.wait_for_function(SETTLED, timeout=120_000).json_value()
    assert page.locator('[data-testid="stException"]').count() == 0
    return (drawn - started) / 1_000


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_a_long_history_is_drawn_as_fast_as_that_of_a_short_one(path, made, tmp_path, capsys):
    if not (ROOT / "tracking" / "ui" / "pages" / f"{path}.py").exists():
        pytest.skip(f"there is no page {path}")
    homes = []
    for each in (made, Made(made.home, FEW)):
        with capsys.disabled():  # making it takes minutes, and says so
            each.sqlite()
        homes.append(str(each.folder / "sqlite"))
    logs = [tmp_path / "many.log", tmp_path / "few.log"]
    with (
        chromium() as browser,
        streamlit(logs[0], DASHBOARD_HOME=homes[0], DASHBOARD_WORKER_MANAGED="true") as (many, _),
        streamlit(logs[1], DASHBOARD_HOME=homes[1], DASHBOARD_WORKER_MANAGED="true") as (few, _),
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 1_000}, timezone_id="Europe/Berlin")
        urls = (f"{many}/{path}", f"{few}/{path}")
        titles = []
        for url in urls * 2:  # warm: imports, caches, the days of the viewer's time zone
            load_seconds(page, url)
            titles.append(page.locator("h1").first.inner_text())
        # In turn, so that both see the same machine.
        pairs = [tuple(load_seconds(page, url) for url in urls) for _ in range(ROUNDS)]
    ratio = median(a / b for a, b in pairs)
    with capsys.disabled():
        print(
            f"\n{path}: {made.calls:,} calls {median(a for a, _ in pairs):.3f} s ({titles[0]!r}), "
            f"{FEW:,} calls {median(b for _, b in pairs):.3f} s ({titles[1]!r}), ratio {ratio:.2f} of {MOST}"
        )
    assert ratio <= MOST
