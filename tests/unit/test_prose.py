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
        ("all :red[bad] news", r"all \:red[bad] news"),
        (r"escaped \:red[bad] or \\:red[bad]", r"escaped \:red[bad] or \\\:red[bad]"),
        ('a :color[x]{background="#ff0"} b', r'a \:color[x]{background="#ff0"} b'),
        ("Status:small print", r"Status\:small print"),  # a bare name is swallowed
        (":::red[a]\n::blue[b]", "::\\:red[a]\n:\\:blue[b]"),
        ("**Verdict:** good. At 12:30, 2:1", "**Verdict:** good. At 12:30, 2:1"),
        ("12:30[a]", r"12\:30[a]"),  # its label would be swallowed
        (":smile: :+1: :material/face: :streamlit:", r"\:·smile: \:·+1: \:·material/face: \:·streamlit:"),
        ("`:red[x]` and :green-badge[y]", r"`:red[x]` and \:green-badge[y]"),
        ("a -> b, 3 >= 2", "a -·> b, 3 >·= 2"),
        ("[mail](mailto:a@b.example)", "[mail](mailto:a@b.example)"),
        ("https://example.com/a:b http://localhost:8501", "https://example.com/a:b http://localhost:8501"),
        ("https://a:red[x]", r"https://a\:red[x]"),
        ("| a | b |\n| -- | :-: |", "| a | b |\n| -- | :-: |"),
        (
            "**bold**, 3 * 4 and [a link](https://example.com)",
            "**bold**, 3 * 4 and [a link](https://example.com)",
        ),
    ],
)
def test_a_models_markdown_is_made_safe(text, safe):
    assert prose(text).replace("\N{WORD JOINER}", "·") == safe


def test_code_blocks_are_left_as_they_are():
    text = "```sh\necho $HOME <b>\n# not a heading\n```\n$5"
    assert prose(text, headings_below=3) == "```sh\necho $HOME <b>\n# not a heading\n```\n\\$5"


def test_a_fence_ends_only_with_its_own_kind():
    assert prose("~~~\n```\n$1\n~~~\n$2") == "~~~\n```\n$1\n~~~\n\\$2"


def test_headings_begin_below_the_pages_own():
    assert prose("# A\n\n#### B\n\n#tag", headings_below=3) == "#### A\n\n###### B\n\n#tag"


def test_plain_text_is_never_markdown():
    assert plain("≥ $1.24 *now* [x](y) `z` <b>") == r"≥ \$1.24 \*now\* \[x\](y) \`z\` \<b\>"


def test_plain_text_is_no_directive():
    assert plain(":red[x] Status:small") == r"\:red\[x\] Status\:small"
    assert plain(":fire: 2 -> 3").replace("\N{WORD JOINER}", "·") == r"\:·fire: 2 -·\> 3"
    assert plain("Data source: tracker, 12:30") == "Data source: tracker, 12:30"


def test_names_with_underscores_are_left_readable():
    assert plain("crew_metrics said 3,825") == "crew_metrics said 3,825"
    assert plain("_emphasis_") == r"\_emphasis\_"
