import pytest

from tracking.ui.prose import plain, prose


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("from $3 to $4", r"from \$3 to \$4"),
        (r"already \$3", r"already \$3"),
        ("`$3` stays, $4 does not", r"`$3` stays, \$4 does not"),
        ("![pixel](https://example.com/p.png)", r"!\[pixel](https://example.com/p.png)"),
        ("<script>x</script> a < b", r"\<script>x\</script> a < b"),
        ("<https://example.com>", "<https://example.com>"),
        (
            "**bold**, 3 * 4 and [a link](https://example.com)",
            "**bold**, 3 * 4 and [a link](https://example.com)",
        ),
    ],
)
def test_a_models_markdown_is_made_safe(text, safe):
    assert prose(text) == safe


def test_code_blocks_are_left_as_they_are():
    text = "```sh\necho $HOME <b>\n# not a heading\n```\n$5"
    assert prose(text, headings_below=3) == "```sh\necho $HOME <b>\n# not a heading\n```\n\\$5"


def test_a_fence_ends_only_with_its_own_kind():
    assert prose("~~~\n```\n$1\n~~~\n$2") == "~~~\n```\n$1\n~~~\n\\$2"


def test_headings_begin_below_the_pages_own():
    assert prose("# A\n\n#### B\n\n#tag", headings_below=3) == "#### A\n\n###### B\n\n#tag"


def test_plain_text_is_never_markdown():
    assert plain("≥ $1.24 *now* [x](y) `z` <b>") == r"≥ \$1.24 \*now\* \[x\](y) \`z\` \<b\>"


def test_names_with_underscores_are_left_readable():
    assert plain("crew_metrics said 3,825") == "crew_metrics said 3,825"
    assert plain("_emphasis_") == r"\_emphasis\_"
