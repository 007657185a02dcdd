"""How many tokens of a streamed answer have arrived, for those who watch. An estimate, whatever the model."""

from __future__ import annotations

from typing import Final

from tracking.capture.texts import Text
from tracking.capture.tokenizer import count_tokens

# Of one answer at a time: about 20 ms. What arrived beyond that is counted the next time.
_MOST_CHARACTERS: Final = 200_000


class SoFar:
    """Counts what is new since it was last asked, so that a long answer costs no more than a short one.

    Asked by one thread while another adds to the text. Each time it is cut where it stands, in the midst of
    a word perhaps: that makes it a token or two too many.
    """

    __slots__ = ("_pieces", "_tokens")

    def __init__(self) -> None:
        self._pieces = 0
        self._tokens: int | None = None

    def tokens(self, text: Text | None) -> int | None:
        """Of the text, nothing of which is kept. None: nothing of it can be counted so far."""
        if text is None or text.gap is not None:
            return self._tokens
        new: list[str] = []
        characters = 0
        for piece in text.pieces[self._pieces :]:
            new.append(piece)
            characters += len(piece)
            if characters >= _MOST_CHARACTERS:
                break
        self._pieces += len(new)
        if characters:  # some begin with empty pieces
            self._tokens = (self._tokens or 0) + count_tokens("".join(new))
        return self._tokens
