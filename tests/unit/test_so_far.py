"""How much of a streamed answer has arrived: each piece is counted once."""

from tracking.capture import so_far
from tracking.capture.so_far import SoFar
from tracking.capture.texts import Gap, Text
from tracking.capture.tokenizer import count_tokens


def text_of(*pieces):
    text = Text()
    for piece in pieces:
        text.add(piece)
    return text


def test_nothing_is_not_zero():
    assert SoFar().tokens(None) is None
    assert SoFar().tokens(Text()) is None


def test_what_arrived_is_counted_once_however_often_it_is_asked():
    text, counted = text_of("Sales", " grow"), SoFar()
    assert [counted.tokens(text), counted.tokens(text)] == [2, 2]
    text.add(" in")
    text.add(" June.")
    assert counted.tokens(text) == 5  # "Sales", " grow", " in", " June", "."


def test_an_answer_in_pieces_is_at_most_two_tokens_more_for_each_time_it_was_looked_at():
    whole = "Demand is steady, prices hold, and the northern regions recover. " * 30
    text, counted, looks = Text(), SoFar(), 0
    for at in range(0, len(whole), 7):  # in the midst of words
        text.add(whole[at : at + 7])
        if at % 5 == 0:
            counted.tokens(text)
            looks += 1
    assert count_tokens(whole) <= counted.tokens(text) <= count_tokens(whole) + 2 * looks


def test_a_look_counts_a_bounded_part_and_the_next_one_goes_on(monkeypatch):
    monkeypatch.setattr(so_far, "_MOST_CHARACTERS", 20)
    text, counted = text_of(*["one two "] * 10), SoFar()
    seen = [counted.tokens(text) for _ in range(5)]
    assert seen[0] < seen[1] < seen[2] < seen[3] == seen[4]
    assert seen[3] <= count_tokens("one two " * 10) + 2 * 4


def test_a_text_that_can_no_longer_be_counted_stays_at_what_was_counted():
    text, counted = text_of("Sales", " grow"), SoFar()
    assert counted.tokens(text) == 2
    text.lacks(Gap.MEDIA)
    assert counted.tokens(text) == 2
    assert counted.tokens(None) == 2


def test_nothing_that_was_said_is_held():
    counted = SoFar()
    counted.tokens(text_of("the-secret-recipe"))
    assert [getattr(counted, name) for name in SoFar.__slots__] == [1, count_tokens("the-secret-recipe")]
