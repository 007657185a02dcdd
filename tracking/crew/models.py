"""LLM objects for a run's agents, one each: of a shared one crewai counts every call for every agent."""

from __future__ import annotations

import os
from typing import Any

from crewai import LLM
from crewai.llms.providers.openai.completion import OpenAICompletion

from tracking.crew.catalog import ModelEntry
from tracking.crew.embedded import EmbeddedServer, embedded_llm
from tracking.domain.spec import RunSettings
from tracking.errors import ModelUnavailable
from tracking.settings import Settings


class Models:
    """Makes LLM objects. The embedded server is started when the first agent needs it, and only then."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: EmbeddedServer | None = None

    def llm(self, entry: ModelEntry, run: RunSettings) -> Any:
        """A fresh LLM object for one agent.

        Raises:
            ModelUnavailable: the model can't be used on this machine.
        """
        if entry.problem is not None:
            raise ModelUnavailable(f"{entry.label} {entry.problem}")
        if entry.is_local:
            return embedded_llm(
                self.server(entry),
                model=entry.model,
                context_window=entry.context_window,
                max_tokens=run.max_output_tokens,
                stream=run.stream,
            )
        return _remote(entry, run)

    def metered(self) -> tuple[int, int] | None:
        """The embedded server's own count of input and output tokens; None: not used, or it does not say."""
        return None if self._server is None else self._server.metered()

    def server(self, entry: ModelEntry) -> EmbeddedServer:
        if self._server is None:
            self._server = EmbeddedServer(
                self._settings.weights, model=entry.model, context_window=entry.context_window
            )
        return self._server


def _remote(entry: ModelEntry, run: RunSettings) -> Any:
    options: dict[str, Any] = {"stream": run.stream, _output_limit(entry): run.max_output_tokens}
    if entry.base_url:
        options["base_url"] = entry.base_url
    if entry.key_env:
        # A server of one's own often wants no key; the client library insists on one.
        options["api_key"] = os.environ.get(entry.key_env) or "none"
    if entry.provider == "openai_compatible":
        # crewai's factory would call it "openai", and its calls would be priced as OpenAI's.
        return OpenAICompletion(model=entry.model, provider=entry.provider, **options)
    return LLM(model=f"{entry.provider}/{entry.model}", **options)


def _output_limit(entry: ModelEntry) -> str:
    """OpenAI's newer models refuse `max_tokens`; servers that merely speak its protocol know nothing else."""
    if entry.provider == "openai":
        return "max_completion_tokens"
    return "max_output_tokens" if entry.provider == "gemini" else "max_tokens"
