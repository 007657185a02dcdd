"""A small table of any columns, as a spreadsheet saves it."""

import pytest

from tracking.dataset.rows import Row, read_rows
from tracking.errors import DatasetError

KNOWN = {"name", "goals"}.__contains__


def read(text, encoding="utf-8"):
    data = text if isinstance(text, bytes) else text.encode(encoding)
    return read_rows(data, "inputs.csv", KNOWN)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_usual_separator_and_encoding_is_understood(separator, encoding):
    found = read(f"name{separator}goals\r\nCafé{separator}a\r\n", encoding)
    assert found.headers == ("name", "goals")
    assert found.rows == (Row(2, ("Café", "a")),)


def test_the_separator_is_the_one_with_which_most_headers_are_known():
    assert read("name;a, b, c, goals\n1;2\n").headers == ("name", "a, b, c, goals")
    assert read("sep=|\nname|a,b\n1|2\n").headers == ("name", "a,b")


def test_a_row_may_go_over_several_lines_and_blank_ones_count_in_its_number():
    found = read('name,goals\n"two\nlines",a\n\n , \nlast,"x, ""y"""\n')
    assert found.rows == (Row(2, ("two\nlines", "a")), Row(5, ("last", 'x, "y"')))


def test_a_header_below_blank_rows_is_found():
    found = read("\n\nname,goals\na,b\n")
    assert (found.header_row, found.rows) == (3, (Row(4, ("a", "b")),))


def test_empty_cells_that_a_spreadsheet_appends_are_left_out():
    assert read("name,goals\na,b,,\n").rows == (Row(2, ("a", "b")),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "inputs.csv is empty"),
        (b"PK\x03\x04rest", "it is an Excel file"),
        ('""\n', "inputs.csv has no header"),
        ("name,goals\n\n", "has a header but no rows below it. Add one row per run"),
        ("name,goals\na,b\nc\n", "row 3: 1 of the header's 2 cells, found 'c'"),
        ("name,goals\na,b,c\n", "row 2: 3 cells for the header's 2, found 'a,b,c'. Put a value that"),
        ('name,goals\na,b\nc,"d\n', "row 3: it can't be split into cells"),
    ],
)
def test_what_is_no_table_is_refused_with_its_row(text, message):
    with pytest.raises(DatasetError, match=message):
        read(text)
