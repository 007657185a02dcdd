"""The bundled sample: invented beverage sales whose true effects are known.

Every effect is a constant below, so a forecast, a growth rate or an elasticity can be checked against
the value the data was made with. A row is one product (a brand in a category) in one store in one month:

    units = volume x region x store x brand x seasonality x growth^years
            x (price / list price)^elasticity x noise

`python -m tracking.dataset.sample PATH` writes the file. Its bytes are the same on every platform:
powers go through `decimal` (correctly rounded, unlike the C library's) and randomness through
`Random.random` (the one sequence Python promises to keep).
"""

import sys
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from pathlib import Path
from random import Random
from typing import Final

SEED: Final = 15000
FIRST_MONTH: Final = (2022, 6)
MONTHS: Final = 37  # 2022-06 to 2025-06; each row is dated on the month's last day
SAMPLE_SHA256: Final = "e39064ac8a92a680d8decd3636a79e6fcba91c5b170a5788d9d9dea2dd132fd0"

HEADER: Final = "date,region,country,store,brand,category,units,price,revenue,cost,profit"


@dataclass(frozen=True, slots=True)
class Category:
    """`price` in dollars and `volume` in units a month for a brand, store and region of factor 1."""

    price: Decimal
    volume: int
    cost_share: Decimal  # of the list price: a promotion is paid from the margin
    elasticity: Decimal  # % change of units for +1 % of price


@dataclass(frozen=True, slots=True)
class Brand:
    price: Decimal
    volume: Decimal
    growth: Decimal  # units, per year, on top of the region's
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Region:
    volume: Decimal
    growth: Decimal  # units, per year
    stores: tuple[tuple[str, str, Decimal], ...]  # country, store, size


def _factors(text: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(part) for part in text.split())


D = Decimal  # the tables below are read as tables
CATEGORIES: Final[dict[str, Category]] = {
    "Sparkling Water": Category(D("1.20"), 900, D("0.48"), D("-1.8")),
    "Soda": Category(D("1.60"), 1100, D("0.45"), D("-1.5")),
    "Juice": Category(D("2.80"), 600, D("0.60"), D("-1.2")),
    "Energy Drink": Category(D("2.90"), 500, D("0.42"), D("-0.8")),
    "Coffee": Category(D("3.40"), 450, D("0.55"), D("-0.6")),
    "Tea": Category(D("2.20"), 350, D("0.50"), D("-0.9")),
}
# Of units, January to December; the mean of each is exactly 1.
SEASONALITY: Final[dict[str, tuple[Decimal, ...]]] = {
    "Sparkling Water": _factors("0.72 0.76 0.88 0.98 1.10 1.24 1.36 1.32 1.10 0.94 0.82 0.78"),
    "Soda": _factors("0.84 0.85 0.92 0.98 1.06 1.14 1.20 1.17 1.02 0.94 0.90 0.98"),
    "Juice": _factors("0.90 0.92 0.96 1.00 1.06 1.12 1.14 1.10 1.02 0.96 0.90 0.92"),
    "Energy Drink": _factors("1.04 0.98 1.00 0.98 1.00 1.02 1.02 1.00 1.04 1.00 0.96 0.96"),
    "Coffee": _factors("1.14 1.10 1.04 0.98 0.92 0.86 0.84 0.86 0.96 1.06 1.10 1.14"),
    "Tea": _factors("1.22 1.16 1.06 0.96 0.88 0.80 0.76 0.80 0.92 1.06 1.16 1.22"),
}

BRANDS: Final[dict[str, Brand]] = {
    "Alderbrook": Brand(D("1.00"), D("1.30"), D("1.00"), ("Sparkling Water", "Soda", "Juice", "Tea")),
    "Brisanova": Brand(D("0.85"), D("1.20"), D("1.00"), ("Sparkling Water", "Soda", "Juice")),
    "Copperleaf": Brand(D("1.30"), D("0.70"), D("1.05"), ("Coffee", "Tea", "Juice")),
    "Duskwater": Brand(D("1.10"), D("0.90"), D("0.97"), ("Sparkling Water", "Energy Drink", "Tea")),
    "Emberlane": Brand(D("1.20"), D("0.80"), D("1.00"), ("Coffee", "Tea", "Energy Drink")),
    "Fennick": Brand(D("0.80"), D("1.10"), D("1.00"), ("Soda", "Energy Drink", "Coffee", "Juice")),
    "Glasswing": Brand(D("1.40"), D("0.50"), D("1.15"), ("Sparkling Water", "Energy Drink", "Coffee")),
    "Harrowby": Brand(D("0.95"), D("1.00"), D("0.86"), ("Soda", "Juice", "Sparkling Water", "Tea")),
}
LAUNCH: Final = ("Fennick", "Tea")  # sold in the last month only: a product without a history

# All in the northern hemisphere: one calendar of seasons is then true of every region.
REGIONS: Final[dict[str, Region]] = {
    "North America": Region(
        D("1.25"),
        D("1.04"),
        (
            ("United States", "Chicago", D("1.3")),
            ("United States", "Austin", D("1.1")),
            ("Canada", "Toronto", D("1.0")),
            ("Mexico", "Puebla", D("0.7")),
        ),
    ),
    "Europe": Region(
        D("1.00"),
        D("1.02"),
        (
            ("Germany", "Hamburg", D("1.2")),
            ("Germany", "Leipzig", D("0.8")),
            ("France", "Lyon", D("1.1")),
            ("United Kingdom", "Leeds", D("1.0")),
            ("Spain", "Valencia", D("0.9")),
        ),
    ),
    "Asia Pacific": Region(
        D("0.85"),
        D("1.10"),
        (
            ("Japan", "Osaka", D("1.3")),
            ("South Korea", "Busan", D("1.0")),
            ("Singapore", "Singapore", D("0.7")),
        ),
    ),
    "Middle East": Region(
        D("0.60"),
        D("1.07"),
        (
            ("Turkey", "Izmir", D("1.1")),
            ("United Arab Emirates", "Dubai", D("1.2")),
            ("Jordan", "Amman", D("0.7")),
        ),
    ),
}

PRICE_RISE: Final = D("1.03")  # list prices, every January; demand answers to the discount, not to this
PROMOTION_CHANCE: Final = 0.25
PROMOTION_DEPTHS: Final = _factors("0.05 0.10 0.15 0.20 0.25")  # equally likely
SHELF_PRICE_SPREAD: Final = D("0.04")  # full width of the uniform spread of everyday prices
NOISE: Final = D("0.115")  # standard deviation of a row's units around their expectation

_CENT = D("0.01")
_UNIFORM_SUM_SD = D("0.57735026918962576451")  # of the sum of four uniforms: sqrt(4 / 12)


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    return (base.ln() * exponent).exp()


def _months() -> Iterator[tuple[int, date]]:
    year, first = FIRST_MONTH
    for index in range(MONTHS):
        years, month = divmod(first - 1 + index, 12)
        last_day = monthrange(year + years, month + 1)[1]
        yield index, date(year + years, month + 1, last_day)


def _products(index: int) -> Iterator[tuple[str, str]]:
    for brand, facts in BRANDS.items():
        for category in facts.categories:
            yield brand, category
        if brand == LAUNCH[0] and index == MONTHS - 1:
            yield LAUNCH


def _list_price(brand: str, category: str, day: date) -> Decimal:
    rises = day.year - FIRST_MONTH[0]
    return CATEGORIES[category].price * BRANDS[brand].price * PRICE_RISE**rises


def _price_factor(random: Random) -> Decimal:
    factor = 1 + SHELF_PRICE_SPREAD * (D(random.random()) - D("0.5"))
    if random.random() < PROMOTION_CHANCE:
        factor -= PROMOTION_DEPTHS[int(random.random() * len(PROMOTION_DEPTHS))]
    return factor


def _noise(random: Random) -> Decimal:
    centred = sum((D(random.random()) for _ in range(4)), D(-2))
    return 1 + NOISE * centred / _UNIFORM_SUM_SD


def _money(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _cents(amount: Decimal) -> int:
    return int(amount.quantize(_CENT, ROUND_HALF_EVEN) * 100)


def _figures(random: Random, brand: str, category: str, index: int, day: date) -> tuple[Decimal, int, int]:
    """Units before region and store, with the price and the unit cost in cents."""
    facts, maker = CATEGORIES[category], BRANDS[brand]
    list_price = _list_price(brand, category, day)
    price = _cents(list_price * _price_factor(random))
    units = facts.volume * maker.volume * SEASONALITY[category][day.month - 1]
    units *= _power(maker.growth, D(index) / 12)
    units *= _power(D(price) / 100 / list_price, facts.elasticity) * _noise(random)
    return units, price, _cents(list_price * facts.cost_share)


def _rows(random: Random) -> Iterator[str]:
    for index, day in _months():
        for region, market in REGIONS.items():
            growth = _power(market.growth, D(index) / 12)
            for country, store, size in market.stores:
                for brand, category in _products(index):
                    base, price, unit_cost = _figures(random, brand, category, index, day)
                    units = int((base * market.volume * size * growth).to_integral_value(ROUND_HALF_EVEN))
                    revenue, cost = units * price, units * unit_cost
                    cells = (region, country, store, brand, category, str(units))
                    money = map(_money, (price, revenue, cost, revenue - cost))
                    yield ",".join((day.isoformat(), *cells, *money))


def sample_csv() -> bytes:
    """The whole file: UTF-8, comma-separated, Unix newlines, 15,000 rows under the header."""
    with localcontext(Context(prec=20, rounding=ROUND_HALF_EVEN)):
        lines = [HEADER, *_rows(Random(SEED))]  # noqa: S311  # repeatable is the point
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def main(arguments: list[str]) -> int:
    """Write the sample to the one path given; exit code 2 when there isn't exactly one."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tracking.dataset.sample PATH\n")
        return 2
    Path(arguments[0]).write_bytes(sample_csv())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
