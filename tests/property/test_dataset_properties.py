"""What holds for any file: only DatasetError is raised, nothing is lost, and notation doesn't matter."""

import csv
import io
from dataclasses import dataclass
from datetime import date
from math import isclose, isfinite

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.dataset.briefing import FOCUSES, MOST_CHARACTERS, briefing, figures_markdown
from tracking.dataset.choices import choices, select
from tracking.dataset.figures import breakdown, full_months, monthly, totals
from tracking.dataset.outlook import elasticity, forecast, seasonality
from tracking.dataset.sales import SalesData, load_sales
from tracking.errors import DatasetError

HEADER = ("date", "region", "brand", "category", "units", "revenue", "cost")
untimed = settings(deadline=None, max_examples=50)  # a shared machine's speed is no property of the code
DIMENSIONS = ("region", "country", "store", "brand", "category")


@dataclass(frozen=True)
class Row:
    day: date
    region: str
    brand: str
    category: str
    units: int
    revenue: int  # cents
    cost: int  # cents


# Letters that Windows-1252 has too, and everything that needs quoting.
names = st.text(alphabet="abcXYZäöüßéñ&'\"-/.,;|\t ", min_size=1, max_size=12).filter(str.strip)
rows = st.builds(
    Row,
    day=st.dates(date(2019, 1, 1), date(2025, 12, 31)),
    region=st.sampled_from(["North", "South", "Ünder"]),
    brand=names,
    category=st.sampled_from(["Tea", "Soda"]),
    units=st.integers(0, 10**6),
    revenue=st.integers(-(10**9), 10**9),
    cost=st.integers(-(10**9), 10**9),
)
tables = st.lists(rows, min_size=1, max_size=60)


def cents(amount: int, decimal: str = ".", thousands: str = "") -> str:
    sign, whole = "-" if amount < 0 else "", f"{abs(amount) // 100:,}".replace(",", thousands)
    return f"{sign}{whole}{decimal}{abs(amount) % 100:02d}"


def written(
    table: list[Row], *, separator: str = ",", decimal: str = ".", thousands: str = "", day: str = "%Y-%m-%d"
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(HEADER)
    for row in table:
        money = (cents(amount, decimal, thousands) for amount in (row.revenue, row.cost))
        writer.writerow((row.day.strftime(day), row.region, row.brand, row.category, row.units, *money))
    return text.getvalue()


def loaded(table: list[Row]) -> SalesData:
    return load_sales(written(table).encode(), name="any.csv")


def read_or_refused(content: bytes) -> SalesData | DatasetError:
    """Anything else that is raised fails the test that called."""
    try:
        return load_sales(content, name="any.csv")
    except DatasetError as error:
        return error


def is_sound(outcome: SalesData | DatasetError) -> bool:
    return isinstance(outcome, SalesData) or 0 < len(str(outcome)) < 2000


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content):
    assert is_sound(read_or_refused(content))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(max_size=12), max_size=9),
    st.lists(st.lists(st.text(max_size=12), max_size=9), max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-16", "utf-16-le"]),
)
def test_any_text_in_the_shape_of_a_table_is_read_or_refused(header, body, separator, encoding):
    text = "\n".join(separator.join(line) for line in (header, *body))
    assert is_sound(read_or_refused(text.encode(encoding, errors="surrogatepass")))


cells = st.one_of(
    st.text(max_size=8),
    st.floats().map(str),
    st.integers().map(str),
    st.dates().map(str),
    st.from_regex(r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}", fullmatch=True),
    st.from_regex(r"[-+($€]?[0-9]{0,4}[.,' ]?[0-9]{0,3}[.,]?[0-9]{0,3}[)€%]?", fullmatch=True),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(cells, min_size=7, max_size=7), min_size=1, max_size=4), st.sampled_from([",", ";"]))
def test_any_cells_under_the_right_header_are_read_or_refused(body, separator):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows([HEADER, *body])
    data = read_or_refused(text.getvalue().encode("utf-8", errors="replace"))
    assert is_sound(data)
    if isinstance(data, SalesData):
        assert isfinite(data.frame[["units", "revenue", "cost", "profit"]].sum().sum())
        for focus in FOCUSES:
            assert 0 < len(briefing(data, focus)) <= MOST_CHARACTERS


@untimed
@given(
    tables,
    st.sampled_from(
        [
            {"separator": ";"},
            {"separator": "\t"},
            {"separator": "|"},
            {"separator": ";", "decimal": ","},
            {"separator": ";", "decimal": ",", "thousands": "."},
            {"separator": ",", "decimal": ".", "thousands": ","},
            {"separator": ",", "decimal": ",", "thousands": "."},
            {"separator": ";", "decimal": ".", "thousands": "'"},
            {"day": "%d.%m.%Y"},
            {"day": "%Y/%m/%d"},
            {"day": "%Y%m%d"},
        ]
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_notation_makes_no_difference(table, style, encoding, line_end):
    plain = loaded(table)
    text = written(table, **style).replace("\n", line_end)
    other = load_sales(text.encode(encoding), name="any.csv")
    pd.testing.assert_frame_equal(other.frame, plain.frame)


@untimed
@given(tables, st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"]))
def test_dates_in_either_order_are_read_rightly_or_refused(table, day):
    data = read_or_refused(written(table, day=day).encode())
    if isinstance(data, DatasetError):
        assert "Write dates as YYYY-MM-DD" in str(data)
        assert all(row.day.day <= 12 for row in table)
    else:
        assert [stamp.date() for stamp in data.frame["date"]] == [row.day for row in table]


@untimed
@given(tables)
def test_every_row_is_kept_as_written(table):
    frame = loaded(table).frame
    assert [stamp.date() for stamp in frame["date"]] == [row.day for row in table]
    assert frame["units"].tolist() == [row.units for row in table]
    assert frame["revenue"].tolist() == [row.revenue / 100 for row in table]
    assert frame["profit"].tolist() == [(row.revenue - row.cost) / 100 for row in table]
    assert frame["brand"].tolist() == [" ".join(row.brand.split()) for row in table]


@untimed
@given(tables, st.sampled_from(DIMENSIONS))
def test_groups_and_months_add_up_to_the_whole(table, dimension):
    frame = loaded(table).frame
    whole, groups, by_month = totals(frame), breakdown(frame, dimension), monthly(frame)
    assert sum(group.units for group in groups) == whole.units == by_month["units"].sum()
    for measure in ("revenue", "profit"):
        in_cents = sum(round(100 * getattr(group, measure)) for group in groups)
        assert in_cents == round(100 * getattr(whole, measure)) == round(100 * by_month[measure].sum())
    shares = [group.share for group in groups]
    assert None in shares or isclose(sum(shares), 1, abs_tol=1e-6 * sum(map(abs, shares)))
    assert len(full_months(frame)) <= len(by_month)


@untimed
@given(tables, st.integers(1, 60))
def test_no_figure_is_ever_nan_or_infinite(table, periods):
    frame = loaded(table).frame
    outlook = forecast(frame, periods)
    values = [
        *(index for index in seasonality(frame)),
        *(fit.slope for fit in elasticity(frame)),
        *(
            value
            for group in breakdown(frame, "brand")
            for value in (group.share, group.margin, group.growth)
        ),
        *((month.revenue for month in outlook.months) if outlook else ()),
    ]
    assert all(value is None or isfinite(value) for value in values)


@untimed
@given(tables, st.sampled_from(FOCUSES))
def test_a_report_is_a_table_whatever_the_names_are(table, focus):
    lines = figures_markdown(loaded(table), focus, expected_revenue=1000.0).splitlines()
    for line in lines[2:]:
        assert line.replace("\\|", "").count("|") == 3


@untimed
@given(tables, st.data())
def test_a_selection_has_exactly_the_chosen_rows(table, draw):
    data = loaded(table)
    offered = choices(data)
    regions = draw.draw(st.lists(st.sampled_from(offered.regions), unique=True))
    brands = draw.draw(st.lists(st.sampled_from(offered.brands), unique=True))
    wanted = [
        (not regions or region in regions) and (not brands or brand in brands)
        for region, brand in zip(data.frame["region"], data.frame["brand"], strict=True)
    ]
    if any(wanted):
        assert select(data, regions=regions, brands=brands).rows == sum(wanted)
    else:
        with pytest.raises(DatasetError, match="No rows are left"):
            select(data, regions=regions, brands=brands)
