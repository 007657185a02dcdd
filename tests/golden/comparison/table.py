"""`docs/prices.md`: who is right about the golden rows, and why the others are not."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from golden.comparison.answers import genai, genai_helped, ours
from golden.comparison.kinds import KINDS, kinds_of
from golden.comparison.rows import Answer, Row

TABLE = Path(__file__).resolve().parents[3] / "docs" / "prices.md"
GENAI = f"genai-prices {version('genai-prices')}"

Answers = Mapping[tuple[str, ...], Answer]  # by a row's key
Why = Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]]  # by library and a row's key: kinds

_VERDICTS = ("right", "wrong", "zero", "refused")
_SHORT = {
    "input_tokens": "in",
    "output_tokens": "out",
    "cache_read_input_tokens": "cached",
    "cache_creation_input_tokens": "written",
    "cache_creation_5m_input_tokens": "for 5 min",
    "cache_creation_1h_input_tokens": "for 1 h",
    "reasoning_output_tokens": "reasoning",
    "input_audio_tokens": "audio in",
    "output_audio_tokens": "audio out",
    "web_search_requests": "searches",
}

_HEAD = """# Prices

What calls cost, as three libraries say it and as it was. Written by the tests
(`pytest tests/golden --write-prices`) from `tests/golden/prices.csv`: {count} calls from {first} to {last},
each with what the vendor charged for it, the arithmetic written out and the page that says so. {unpriced} of them
must have no price: invented models, names that only begin like one, times before a model was there.

| | right | wrong | 0.0 without an error | refused |
|---|---|---|---|---|
{summary}

Right is to the nano-dollar, or no price where there was none.

- {genai} is asked as its documentation says: `calc_price` with the model, the provider where it is known, and the
  time. *Helped*, it has the name taken apart and the service tier passed in its `price_context` as well.
- {asked}, is given each call as it would know it itself: provider and model in its
  spelling, every count in its own field, the tier; batches go to its own function for them. Its list is the one in
  the package. The amounts it gave are kept in `tests/golden/litellm.csv`; the others' are computed in every test run.

## Kinds of disagreement

Found by making our own price book err: a kind is named where the book, erring like that, says the same amount to
the nano-dollar. An answer that takes two errors at once counts under both.

| | what happens | genai-prices | litellm |
|---|---|---|---|
{kinds}

{explanations}

## Every disagreement

US dollars. Tokens: `in` includes `cached` and `written`, `out` includes `reasoning`.

| model | when (UTC) | tier | tokens | truth | ours | genai-prices | litellm |
|---|---|---|---|---|---|---|---|
{rows}
"""  # noqa: E501  # lines of a document, filled in


def render(rows: Sequence[Row], asked: str, litellm: Answers) -> str:
    """The document. `asked`: which litellm gave the answers, and when."""
    by_library = {"genai-prices": {row.key: genai(row) for row in rows}, "litellm": litellm}
    contestants = {
        "ours": {row.key: ours(row) for row in rows},
        GENAI: by_library["genai-prices"],
        f"{GENAI}, helped": {row.key: genai_helped(row) for row in rows},
        asked.split(",", maxsplit=1)[0]: litellm,
    }
    why = explanations(rows, by_library)
    used = [kind for kind in KINDS if any(kind in kinds for kinds in why.values())]
    letters = {kind: chr(ord("A") + number) for number, kind in enumerate(used)}
    wrong = [row for row in rows if any((library, row.key) in why for library in by_library)]
    return _HEAD.format(
        count=len(rows),
        first=f"{min(row.at for row in rows):%Y-%m-%d}",
        last=f"{max(row.at for row in rows):%Y-%m-%d}",
        unpriced=sum(row.truth is None for row in rows),
        genai=GENAI,
        asked=asked,
        summary="\n".join(_summary(name, rows, answers) for name, answers in contestants.items()),
        kinds="\n".join(_kind(letters, kind, why) for kind in used),
        explanations="\n\n".join(
            f"**{letters[kind]}. {KINDS[kind]['what']}.** {KINDS[kind]['why']}" for kind in used
        ),
        rows="\n".join(_line(row, by_library, why, letters) for row in wrong),
    )


def explanations(rows: Sequence[Row], by_library: Mapping[str, Answers]) -> Why:
    """What is wrong with every answer that is; () where no kind says it."""
    return {
        (library, row.key): kinds_of(library, row, answers[row.key])
        for library, answers in by_library.items()
        for row in rows
        if answers[row.key].verdict(row.truth) != "right"
    }


def _summary(name: str, rows: Sequence[Row], answers: Answers) -> str:
    counted = Counter(answers[row.key].verdict(row.truth) for row in rows)
    return f"| {name} | {' | '.join(str(counted[verdict]) for verdict in _VERDICTS)} |"


def _kind(letters: Mapping[str, str], kind: str, why: Why) -> str:
    counted = Counter(library for (library, _), kinds in why.items() if kind in kinds)
    return f"| {letters[kind]} | {KINDS[kind]['what']} | {counted['genai-prices']} | {counted['litellm']} |"


def _line(row: Row, by_library: Mapping[str, Answers], why: Why, letters: Mapping[str, str]) -> str:
    name = row.model if row.provider is None or "/" in row.model else f"{row.provider}: {row.model}"
    counts = json.loads(row.stated["usage"]).items()
    usage = ", ".join(f"{count:,} {_SHORT[counted]}" for counted, count in counts if count)
    cells = [f"`{name}`", f"{row.at:%Y-%m-%d %H:%M}", row.tier or "", usage]
    cells += [_amount(Answer(row.truth), "no price"), _amount(ours(row), "no price")]
    for library, answers in by_library.items():
        kinds = "".join(letters[kind] for kind in why.get((library, row.key), ()))
        amount = _amount(answers[row.key], "no price" if row.truth is None else "refused")
        cells.append(f"{amount} **{kinds}**" if kinds else amount)
    return f"| {' | '.join(cells)} |"


def _amount(answer: Answer, nothing: str) -> str:
    return nothing if answer.amount is None else f"{round(answer.amount, 9).normalize():f}"
