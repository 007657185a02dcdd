from tracking.ui.palette import NEUTRAL, paints


def test_the_same_names_have_the_same_colours_in_any_order():
    assert paints(["b", "a", "c"]) == paints(["c", "b", "a"])


def test_known_names_look_the_same_whoever_else_takes_part():
    known = ["Analyst", "Writer"]
    assert paints(["Writer"], known)["Writer"] == paints(["Writer", "Somebody", "Analyst"], known)["Writer"]


def test_no_two_names_look_alike():
    names = [f"agent {number}" for number in range(20)]
    assert len(set(paints(names).values())) == 21  # and nobody's is a grey of its own


def test_calls_of_nobody_are_grey():
    assert paints(["a", None])[None].colour == NEUTRAL
