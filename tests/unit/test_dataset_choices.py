"""What can be chosen, and what a choice leaves."""

import pytest

from tracking.dataset.choices import Choices, choices, select
from tracking.dataset.sales import SalesData, load_sales
from tracking.errors import DatasetError

SALES = b"""date,region,country,brand,category,units,revenue,cost
2025-01-31,North,Norway,Aurel,Tea,1,10.00,5.00
2025-01-31,South,Spain,Brisa,Tea,1,30.00,5.00
2025-02-28,South,Italy,Aurel,Soda,1,5.00,5.00
2025-02-28,North,Norway,Cosmo,Soda,1,10.00,5.00
"""


@pytest.fixture
def data() -> SalesData:
    return load_sales(SALES, name="sales.csv")


def test_choices_are_ordered_by_revenue_and_then_by_name(data):
    assert choices(data) == Choices(
        regions=("South", "North"),  # 35 and 20
        countries=("Spain", "Norway", "Italy"),  # 30, 20 and 5
        categories=("Tea", "Soda"),  # 40 and 15
        brands=("Brisa", "Aurel", "Cosmo"),  # 30, 15 and 10
    )


def test_a_column_the_file_lacks_offers_nothing():
    data = load_sales(SALES.replace(b"country", b"unused"), name="sales.csv")
    assert choices(data).countries == ()


def test_an_empty_choice_means_all(data):
    assert select(data) is data


def test_choices_narrow_each_other_down(data):
    left = select(data, regions=("North", "South"), categories=("Soda",), brands=("Aurel",))
    assert left.frame["country"].tolist() == ["Italy"]
    assert left.frame.index.tolist() == [0]
    assert left.rows == 1
    assert choices(left) == Choices(("South",), ("Italy",), ("Soda",), ("Aurel",))


def test_a_selection_keeps_where_the_rows_come_from(data):
    left = select(data, regions=("North",))
    assert (left.name, left.sha256, left.currency) == (data.name, data.sha256, data.currency)
    assert data.rows == 4


def test_a_choice_that_leaves_nothing_names_the_filter_that_did_it(data):
    with pytest.raises(DatasetError) as caught:
        select(data, regions=("North",), brands=("Brisa",))
    assert caught.value.column == "brand"
    assert str(caught.value) == (
        "No rows are left: the brand filter 'Brisa' matches nothing within region 'North'. "
        "There the data has 'Aurel', 'Cosmo'; choose one of these or clear the filter."
    )


def test_an_unknown_name_is_a_filter_that_matches_nothing(data):
    with pytest.raises(
        DatasetError, match=r"the region filter 'Mars' matches nothing\. There the data has 'North'"
    ):
        select(data, regions=("Mars",))
