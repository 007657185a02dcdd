from tracking.ui.markdown import lowered, outside_code


def test_headings_go_so_many_levels_down_and_never_below_the_sixth():
    assert lowered("# A\n\n#### B\n\n#tag", 2) == "### A\n\n###### B\n\n#tag"


def test_a_comment_in_code_is_no_heading():
    assert lowered("```sh\n# not a heading\n```\n# A", 1) == "```sh\n# not a heading\n```\n## A"


def test_a_block_of_code_that_is_left_open_is_closed():
    assert outside_code("a\n~~~~\nb\n~~~", str.upper) == "A\n~~~~\nb\n~~~\n~~~~"
