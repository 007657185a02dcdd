import gzip
import hashlib
import socket

import pytest

from tracking.capture import tokenizer
from tracking.capture.tokenizer import count_tokens


def test_vocabulary_and_pattern_are_the_ones_that_tiktoken_itself_would_use(monkeypatch):
    from tiktoken_ext import openai_public

    asked = {}
    monkeypatch.setattr(
        openai_public, "load_tiktoken_bpe", lambda _, expected_hash: asked.update(hash=expected_hash)
    )
    theirs = openai_public.o200k_base()
    ours = hashlib.sha256(gzip.decompress(tokenizer.VOCABULARY.read_bytes())).hexdigest()
    assert (theirs["name"], theirs["pat_str"], asked["hash"]) == (tokenizer.NAME, tokenizer.PATTERN, ours)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("Hello!", 2),
        ("You are a helpful assistant.", 6),
        ("Hello! How can I assist you today?", 9),
        ("Die Nachfrage ist stabil, und die Preise bleiben unverändert.", 12),
        ("市场需求保持稳定 价格没有变化", 8),
        ("<|endoftext|>", 7),  # a special token's name is text like any other
        ("a lone surrogate: \ud800", 5),
    ],
)
def test_counts_are_exact(text, tokens):
    assert count_tokens(text) == tokens


def test_it_needs_no_network(monkeypatch):
    def refused(*_):
        raise AssertionError("the tokenizer asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    tokenizer._encoding.cache_clear()
    assert count_tokens("Hello!") == 2


@pytest.mark.parametrize("character", [" ", "\t", "\n", "a", "^", "\u3000"])
def test_what_its_pattern_would_give_up_on_is_counted_in_slices(character):
    assert 0 < count_tokens(character * 1_000_000) <= 500_000


def test_a_slice_costs_a_token_at_most(monkeypatch):
    text = "Demand is steady, and prices hold in every region. " * 4_000
    monkeypatch.setattr(tokenizer, "_SLICE", len(text))
    whole = count_tokens(text)
    monkeypatch.setattr(tokenizer, "_SLICE", 20_000)
    assert 0 <= count_tokens(text) - whole <= len(text) // 20_000
