"""One colour for one name, everywhere: Okabe and Ito's palette, which colour-blind people can tell apart."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

# Okabe & Ito, Color Universal Design (2008), without black, which is lost on a dark page. Yellow comes
# last: it is faint on a white one.
OKABE_ITO: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
NEUTRAL: Final = "#8A8F98"  # nobody's: unattributed calls, legends, things that are not a name
ALARM: Final = "#C8102E"  # what failed; its cross says so too
_PATTERNS: Final = ("", "/", "x", ".")  # when the colours are used up, the next round is hatched


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour, and a hatching where more names than colours have to be told apart."""

    colour: str
    pattern: str = ""


def paints(names: Iterable[str | None], known: Iterable[str] = ()) -> Mapping[str | None, Paint]:
    """A paint for each name, depending on nothing but the set of names.

    Names that are `known` beforehand (the catalog's agents) come first, in their order: they look the same
    in every run. The others take the place their spelling asks for, or the next free one.
    """
    places = {name: place for place, name in enumerate(dict.fromkeys(known))}
    first_free = len(places)
    for name in sorted({name for name in names if name is not None} - places.keys()):
        place = first_free + zlib.crc32(name.encode()) % len(OKABE_ITO)
        while place in places.values():
            place += 1
        places[name] = place
    return {None: Paint(NEUTRAL), **{name: _paint(place) for name, place in places.items()}}


def _paint(place: int) -> Paint:
    return Paint(OKABE_ITO[place % len(OKABE_ITO)], _PATTERNS[place // len(OKABE_ITO) % len(_PATTERNS)])
