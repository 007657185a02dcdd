"""Counting tokens where a provider does not: OpenAI's tokenizer, with its vocabulary beside this file.

tiktoken by itself would fetch that over the network on first use; here nothing is ever fetched. Both are
loaded when the first text has to be counted, in a quarter of a second: most runs need neither.
"""

from __future__ import annotations

import functools
import gzip
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import tiktoken

NAME: Final = "o200k_base"  # of GPT-4o and later; other providers' models have tokenizers of their own
VOCABULARY: Final = Path(__file__).with_name(f"{NAME}.tiktoken.gz")
# How the text is cut before tokens are looked for: a part of the tokenizer, as tiktoken defines it.
PATTERN: Final = "|".join(  # noqa: FLY002  # one alternative a line
    (
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""\p{N}{1,3}""",
        r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
        r"""\s*[\r\n]+""",
        r"""\s+(?!\S)""",
        r"""\s+""",
    )
)
# On a million spaces the pattern gives up with an error that is no `Exception`, and would end the crew
# (openai/tiktoken#15). In slices it can't; each cut costs a token at most.
_SLICE: Final = 20_000


def count_tokens(text: str) -> int:
    """How many tokens a text is, without any framing. Linear in its length: a megabyte takes about 0.1 s."""
    encode = _encoding().encode_ordinary
    return sum(len(encode(text[at : at + _SLICE])) for at in range(0, len(text), _SLICE))


@functools.cache
def _encoding() -> tiktoken.Encoding:
    import tiktoken  # noqa: PLC0415  # only where something has to be counted

    lines = gzip.decompress(VOCABULARY.read_bytes()).splitlines()
    ranks = {b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}
    return tiktoken.Encoding(NAME, pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
