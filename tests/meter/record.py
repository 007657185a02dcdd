"""What the meter keeps of a request: counts and names, never a prompt, an answer or a key."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MeteredUsage:
    """Tokens of one billed request, in OpenTelemetry's sense whatever the protocol calls them.

    ``input_tokens`` includes both cache counts and ``output_tokens`` includes reasoning.
    ``cache_creation_1h_input_tokens`` is the part of ``cache_creation_input_tokens`` written with a
    one-hour lifetime; the rest has five minutes.
    """

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0
    reasoning_output_tokens: int = 0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} ({getattr(self, name)}) cannot be negative")
        cached = self.cache_read_input_tokens + self.cache_creation_input_tokens
        if cached > self.input_tokens:
            raise ValueError(f"cache tokens ({cached}) cannot exceed input_tokens ({self.input_tokens})")
        if self.cache_creation_1h_input_tokens > self.cache_creation_input_tokens:
            raise ValueError(
                f"cache_creation_1h_input_tokens ({self.cache_creation_1h_input_tokens}) cannot exceed "
                f"cache_creation_input_tokens ({self.cache_creation_input_tokens})"
            )
        if self.reasoning_output_tokens > self.output_tokens:
            raise ValueError(
                f"reasoning_output_tokens ({self.reasoning_output_tokens}) cannot exceed "
                f"output_tokens ({self.output_tokens})"
            )

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def uncached_input_tokens(self) -> int:
        """The input as Anthropic and Bedrock report it: without what was read from or written to a cache."""
        return self.input_tokens - self.cache_read_input_tokens - self.cache_creation_input_tokens

    @property
    def visible_output_tokens(self) -> int:
        """The output as Gemini reports it: without reasoning."""
        return self.output_tokens - self.reasoning_output_tokens


@dataclass(frozen=True, slots=True)
class MeteredRequest:
    """One request the provider received.

    ``usage`` is the truth, also where the wire said nothing of it (``usage_reported`` is False) or the
    connection was cut (``cut`` is True: a provider bills what it generated, so the whole usage counts).
    It is None for what is not billed: errors, token counts and model lists.
    """

    protocol: str
    path: str
    model: str
    response_model: str | None
    status: int
    stream: bool
    response_id: str | None
    usage: MeteredUsage | None
    billed: bool
    usage_reported: bool
    cut: bool = False
    service_tier: str | None = None
    cost: Decimal | None = None
