"""Files as people have them: what is accepted, and what a refusal says."""

import gzip
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tracking.dataset.sales import COLUMNS, NOT_GIVEN, SalesData, load_sales
from tracking.errors import DatasetError

HEADER = "date,region,brand,category,units,revenue,cost"
ROW = "2025-01-31,North,Aurel,Tea,10,25.00,12.50"


def load(*lines: str, encoding: str = "utf-8", end: str = "\n") -> SalesData:
    return load_sales((end.join(lines) + end).encode(encoding), name="my.csv")


def refused(*lines: str, encoding: str = "utf-8") -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        load(*lines, encoding=encoding)
    return caught.value


def changed(**cells: str) -> str:
    values = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | cells
    return ",".join(values.values())


# What is read


def test_a_plain_file_becomes_typed_columns_in_one_order():
    data = load(HEADER, ROW)
    assert tuple(data.frame.columns) == COLUMNS
    assert [str(dtype) for dtype in data.frame.dtypes] == [
        "datetime64[us]",
        *["category"] * 5,
        "int64",
        *["float64"] * 4,
    ]
    assert data.frame.iloc[0].tolist() == [
        pd.Timestamp("2025-01-31"),
        "North",
        NOT_GIVEN,
        NOT_GIVEN,
        "Aurel",
        "Tea",
        10,
        2.5,  # 25.00 / 10
        25.0,
        12.5,
        12.5,  # 25.00 - 12.50
    ]
    assert (data.rows, data.first_date, data.last_date) == (1, date(2025, 1, 31), date(2025, 1, 31))
    assert not data.is_sample
    assert data.currency == "$"


def test_a_path_is_read_like_its_bytes(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(f"{HEADER}\n{ROW}\n", encoding="utf-8")
    from_path, from_bytes = load_sales(path, name="a"), load_sales(path.read_bytes(), name="b")
    pd.testing.assert_frame_equal(from_path.frame, from_bytes.frame)
    assert from_path.sha256 == from_bytes.sha256


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends_make_no_difference(encoding, separator, end):
    lines = [line.replace(",", separator) for line in (HEADER, changed(region="Süd"))]
    data = load(*lines, encoding=encoding, end=end)
    assert data.frame["region"].tolist() == ["Süd"]
    assert data.frame["revenue"].tolist() == [25.0]


def test_headers_are_recognised_by_their_synonyms_whatever_their_case_and_spacing():
    data = load(
        "Date ,Sales Region,BRAND_NAME,Product Category,Qty,Sales ($),COGS,Unit Price,Store ID,Gross Profit",
        "2025-01-31,North,Aurel,Tea,10,25.00,12.50,2.60,S1,12.00",
    )
    first = data.frame.iloc[0]
    assert (first["region"], first["brand"], first["category"], first["store"]) == (
        "North",
        "Aurel",
        "Tea",
        "S1",
    )
    assert (first["units"], first["price"], first["revenue"], first["cost"]) == (10, 2.6, 25.0, 12.5)
    assert first["profit"] == 12.0  # as given, though revenue - cost is 12.5


def test_the_exact_name_wins_over_a_synonym():
    data = load(f"{HEADER},Sales", f"{ROW},99")
    assert data.frame["revenue"].tolist() == [25.0]


def test_a_blank_price_or_profit_is_derived_and_no_units_have_no_price():
    data = load(f"{HEADER},price,profit", f"{ROW},,", f"{changed(units='0', revenue='0')},,")
    assert data.frame["price"].tolist()[0] == 2.5
    assert data.frame["profit"].tolist() == [12.5, -12.5]
    assert data.frame["price"].isna().tolist() == [False, True]


def test_a_derived_profit_has_no_binary_noise():
    assert load(HEADER, changed(revenue="0.3", cost="0.1")).frame["profit"].tolist() == [0.2]


def test_fractional_units_are_kept():
    assert load(HEADER, changed(units="2.5")).frame["units"].tolist() == [2.5]


def test_names_are_tidied_and_blank_ones_are_marked():
    data = load(HEADER, changed(region="  New   York "), changed(region=""))
    assert data.frame["region"].tolist() == ["New York", NOT_GIVEN]


def test_excels_separator_line_blank_lines_and_rows_of_separators_are_passed_over():
    lines = [line.replace(",", ";") for line in (HEADER, ROW, ";;;;;;", "", "   ", ROW)]
    assert load("sep=;", "", *lines).rows == 2


def test_quoted_cells_may_hold_separators_and_newlines():
    data = load(HEADER, changed(brand='"Aurel, Sons\n& ""Co"""'))
    assert data.frame["brand"].tolist() == ['Aurel, Sons & "Co"']


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.5", 1234.5),
        ('"1,234.50"', 1234.5),
        ('"$1,234.50"', 1234.5),
        ("USD 1234.50", 1234.5),
        ("1 234.50", 1234.5),
        ("1'234.50", 1234.5),
        ('"12,34,567.00"', 1_234_567.0),
        ("(25.00)", -25.0),
        ("-$25.00", -25.0),
        ("\N{MINUS SIGN}25.00", -25.0),
        ("1.2E+03", 1200.0),
        (".5", 0.5),
    ],
)
def test_numbers_with_a_decimal_point(text, value):
    assert load(HEADER, changed(revenue=text)).frame["revenue"].tolist() == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234,5", 1234.5),
        ("1.234,50", 1234.5),
        ("1.234,50 €", 1234.5),
        ("1 234,50", 1234.5),
        ("0,125", 0.125),
    ],
)
def test_numbers_with_a_decimal_comma(text, value):
    row = changed(cost="1.000", revenue="@").replace(",", ";").replace("@", text)
    frame = load(HEADER.replace(",", ";"), row).frame
    assert frame["revenue"].tolist() == [value]
    assert frame["cost"].tolist() == [1000.0]  # the same style throughout the file


def test_only_three_digits_behind_every_mark_means_thousands():
    row = changed(units="1.500", revenue="3.750", cost="2.000").replace(",", ";")
    assert load(HEADER.replace(",", ";"), row).frame["units"].tolist() == [1500]


def test_a_point_in_a_comma_separated_file_is_decimal():
    assert load(HEADER, changed(revenue="3.750", cost="2")).frame["revenue"].tolist() == [3.75]


@pytest.mark.parametrize(("text", "sign"), [("€25.00", "€"), ("25.00 £", "£"), ("25.00", "$")])
def test_the_currency_is_the_sign_the_file_has(text, sign):
    assert load(HEADER, changed(revenue=text)).currency == sign


def test_the_currency_may_stand_in_the_header():
    assert load(HEADER.replace("cost", "Cost (€)"), ROW).currency == "€"


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-31",
        "2025-1-31",
        "2025/01/31",
        "20250131",
        "31.01.2025",
        "31.1.25",
        "31/01/2025",
        "01/31/2025",
        "31-01-2025",
        "2025-01-31 13:45",
        "2025-01-31T13:45:00Z",
        "1/31/2025 1:45:00 PM",
    ],
)
def test_dates_in_all_usual_styles(text):
    assert load(HEADER, changed(date=text)).first_date == date(2025, 1, 31)


def test_a_month_stands_for_its_first_day():
    assert load(HEADER, changed(date="2025-03")).first_date == date(2025, 3, 1)


def test_one_clear_date_decides_for_the_whole_column():
    day_first = load(HEADER, changed(date="03/04/2025"), changed(date="13/04/2025"))
    assert day_first.first_date == date(2025, 4, 3)
    month_first = load(HEADER, changed(date="03/04/2025"), changed(date="03/14/2025"))
    assert month_first.first_date == date(2025, 3, 4)


def test_a_date_that_reads_the_same_both_ways_needs_no_decision():
    assert load(HEADER, changed(date="05/05/2025")).first_date == date(2025, 5, 5)


# What is refused


def test_ambiguous_dates_ask_for_iso_dates():
    error = refused(
        HEADER, changed(date="05/05/2025"), changed(date="03/04/2025"), changed(date="04/03/2025")
    )
    assert (error.row, error.column) == (3, "date")
    assert str(error) == (
        "row 3, column 'date': found '03/04/2025', and nothing in the column says whether the day or the "
        "month comes first (and 1 more row like it). Write dates as YYYY-MM-DD, for example 2025-01-31."
    )


def test_contradicting_dates_name_the_rarer_reading():
    dates = ("31/01/2025", "30/01/2025", "01/29/2025")
    error = refused(HEADER, *(changed(date=text) for text in dates))
    assert error.row == 4
    assert "'01/29/2025', which reads the other way round" in str(error)


@pytest.mark.parametrize("text", ["2025-02-30", "soon", "45322", "2025-13-01", "1066-10-14", "0000-00-00"])
def test_a_date_that_isnt_one_is_named_with_its_row(text):
    error = refused(HEADER, ROW, changed(date=text), changed(date=text))
    assert (error.row, error.column) == (3, "date")
    assert str(error) == (
        f"row 3, column 'date': found '{text}', which isn't a date (and 1 more row like it). "
        "Write dates as YYYY-MM-DD, for example 2025-01-31."
    )


def test_a_number_that_isnt_one_is_named_and_shortened():
    error = refused(HEADER.replace("units", "Units Sold"), ROW, "", changed(units="many " * 20))
    assert (error.row, error.column) == (4, "Units Sold")
    assert str(error) == (
        "row 4, column 'Units Sold': found 'many many many many many many many many…', which isn't a number. "
        "Write numbers like 1234.50."
    )


@pytest.mark.parametrize(
    "text", ["nan", "inf", "n/a", "12 %", "1.2.3", '"1,23.45"', "12 34", "0x1F", "1e999", "--1"]
)
def test_what_only_looks_like_a_number_is_refused(text):
    assert "isn't a number" in str(refused(HEADER, changed(revenue=text, cost="1.50")))


@pytest.mark.parametrize("column", ["units", "revenue", "cost", "date"])
def test_an_empty_required_cell_is_refused(column):
    error = refused(HEADER, ROW, changed(**{column: " "}))
    assert str(error) == f"row 3, column '{column}': the cell is empty. Fill it in, or remove the row."


def test_negative_units_are_refused():
    error = refused(HEADER, ROW, changed(units="-3"), changed(units="-4"))
    assert (error.row, error.column) == (3, "units")
    assert "found '-3', which is negative (and 1 more row like it)" in str(error)


def test_a_number_beyond_a_trillion_is_refused():
    assert "found '1000000000001', which is too large" in str(
        refused(HEADER, changed(revenue="1000000000001"))
    )


def test_missing_columns_are_listed_with_what_was_found_and_the_nearest_name():
    error = refused("date,region,brand,category,unitz,revenue", "2025-01-31,N,A,T,1,2")
    assert (error.row, error.column) == (1, "units")
    assert str(error) == (
        "my.csv lacks the columns units, cost. Found in row 1: 'date', 'region', 'brand', 'category', "
        "'unitz', 'revenue'; needed: date, region, brand, category, units, revenue, cost. "
        "Is 'unitz' the units? Then rename it to 'units'."
    )


def test_a_missing_column_without_a_likely_name_asks_for_it():
    assert str(refused(HEADER.removesuffix(",cost"), ROW)).endswith(
        "Add the column, or rename what is called something else."
    )


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (f"{HEADER},Date ", "date: 'date' and 'Date'"),
        (f"{HEADER[:-5]},COGS,Costs", "cost: 'COGS' and 'Costs'"),
    ],
)
def test_two_columns_for_the_same_thing_are_refused(header, column):
    assert f"more than one column for {column}" in str(refused(header, f"{ROW},1"))


def test_a_row_with_too_many_or_too_few_fields_is_named():
    error = refused(HEADER, ROW, f"{ROW},9", "1,2")
    assert error.row == 3
    assert str(error) == (
        "my.csv, row 3: 8 fields where the header has 7, found '2025-01-31,North,Aurel,Tea,10,25.00,12.…' "
        "(and 1 more row like it). Put a value that contains ',' in double quotes."
    )


def test_an_unclosed_quote_is_named():
    error = refused(HEADER, changed(brand='"Aurel'), ROW)
    assert error.row == 2
    assert "A double quote in it is opened and never closed." in str(error)


@pytest.mark.parametrize("content", [b"", b" \r\n\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_says_so(content):
    with pytest.raises(DatasetError, match=r"^my\.csv is empty\. Upload a CSV file with a header row"):
        load_sales(content, name="my.csv")


@pytest.mark.parametrize("tail", ["", "\n", "\n\n", "\n,,,,,,\n"])
def test_a_header_alone_says_so(tail):
    with pytest.raises(DatasetError, match=r"has a header but no data rows"):
        load_sales((HEADER + tail).encode(), name="my.csv")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04\x14\x00", "it is an Excel file (.xlsx); open it and save it as 'CSV UTF-8'"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "it is an old Excel file (.xls)"),
        (b"%PDF-1.7", "it is a PDF"),
        (gzip.compress(b"date", mtime=0), "it is a gzip archive"),
        (b"PAR1....", "it is a Parquet file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "it contains binary data"),
    ],
)
def test_another_kind_of_file_is_called_by_its_name(content, what):
    with pytest.raises(DatasetError) as caught:
        load_sales(content, name="my.csv")
    assert what in str(caught.value)


def test_bytes_in_no_known_encoding_are_named_with_their_row():
    with pytest.raises(
        DatasetError, match=r"neither UTF-8 nor UTF-16 nor Windows-1252 \(byte 0x81 in row 2\)"
    ):
        load_sales(HEADER.encode() + b"\n\x81\xff", name="my.csv")


def test_a_file_too_large_says_both_sizes():
    content = b"x" * (3 * 1024**2)
    with pytest.raises(DatasetError, match=r"my\.csv has 3\.0 MB, the limit is 2\.0 MB\."):
        load_sales(content, name="my.csv", max_bytes=2 * 1024**2)


def test_the_size_limit_is_inclusive():
    content = f"{HEADER}\n{ROW}\n".encode()
    assert load_sales(content, name="my.csv", max_bytes=len(content)).rows == 1


def test_a_path_that_isnt_there_is_refused():
    with pytest.raises(DatasetError, match=r"my\.csv can't be read: No such file"):
        load_sales(Path("nowhere") / "my.csv", name="my.csv")
