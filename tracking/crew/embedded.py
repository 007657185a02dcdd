"""The model that needs no key and no network: SmolLM2-135M, run by llama.cpp inside the run's own process.

It is a real server on a loopback port with a random key, asked through crewai's own OpenAI client: its
calls take the same path, and are metered by the same tap, as those of any other provider.
"""

from __future__ import annotations

import json
import os
import secrets
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crewai.llms.providers.openai.completion import OpenAICompletion

from tracking.errors import ModelUnavailable

# Greedy decoding repeats itself without a penalty; a larger one bends the figures in the prompt.
_REPEAT_PENALTY = 1.08


class EmbeddedServer:
    """A llama.cpp server on 127.0.0.1. It lives as long as this object does.

    Raises:
        ModelUnavailable: the weights or the library that runs them are not here.
    """

    def __init__(self, weights: Path, *, model: str, context_window: int) -> None:
        if not weights.exists():
            raise ModelUnavailable(f"the weights {weights} are missing: run python run_dashboard.py once")
        # Threads that wait actively starve each other on a busy machine. Read when the library is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import xllamacpp  # noqa: PLC0415  # after the variable above; only where the local model is used

        self.api_key = secrets.token_hex(16)
        self._server = xllamacpp.Server(_parameters(xllamacpp, weights, model, context_window, self.api_key))
        self.url: str = self._server.listening_address

    def count_tokens(self, messages: Sequence[Mapping[str, Any]]) -> int:
        """The exact number of input tokens that a chat request with these messages takes."""
        prompt = self._post("/apply-template", {"messages": list(messages)})["prompt"]
        # The template spells its special tokens out, as `parse_special` reads them.
        return len(self._post("/tokenize", {"content": prompt, "parse_special": True})["tokens"])

    def metered(self) -> tuple[int, int] | None:
        """What the server itself has counted since it started: input and output tokens.

        None: it does not say. That is no reason to fail a run which is done.
        """
        headers = {"Authorization": f"Bearer {self.api_key}"}
        request = urllib.request.Request(f"{self.url}/metrics", headers=headers)  # noqa: S310  # our own loopback URL
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                text = response.read().decode()
            return _counter(text, "prompt_tokens_total"), _counter(text, "tokens_predicted_total")
        except (OSError, StopIteration, ValueError):
            return None

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)  # noqa: S310  # our own loopback URL
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return json.load(response)


class EmbeddedCompletion(OpenAICompletion):
    """crewai's OpenAI client, pointed at the embedded server."""

    server: Any
    context_window: int

    def get_input_tokens_count(self, messages: Any, tools: Any = None, response_model: Any = None) -> int:  # noqa: ARG002
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        return int(self.server.count_tokens([{"role": m["role"], "content": m["content"]} for m in messages]))

    def get_context_window_size(self) -> int:
        """What crewai may fill: it keeps 15 % of a model's window free, as for every other model."""
        return int(self.context_window * 0.85)

    def supports_function_calling(self) -> bool:
        return False  # 135 million parameters do not call tools reliably

    def supports_multimodal(self) -> bool:
        return False


def embedded_llm(
    server: EmbeddedServer, *, model: str, context_window: int, max_tokens: int, stream: bool
) -> Any:
    """An LLM object for one agent; several share one server."""
    return EmbeddedCompletion(
        model=model,
        provider="local",
        base_url=f"{server.url}/v1",
        api_key=server.api_key,
        server=server,
        context_window=context_window,
        max_tokens=max_tokens,
        stream=stream,
        temperature=0.0,
        seed=1,
        timeout=300,
        max_retries=0,  # it is on this computer: what fails once fails again
        additional_params={"extra_body": {"repeat_penalty": _REPEAT_PENALTY, "cache_prompt": False}},
    )


def _parameters(library: Any, weights: Path, model: str, context_window: int, api_key: str) -> Any:
    params = library.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {model}
    params.n_ctx = context_window
    params.n_parallel = 1
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = 1
        cpu.poll = 0
    params.cache_prompt = False  # the same prompt costs the same every time
    params.warmup = False
    params.ui = False
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [api_key]
    params.endpoint_metrics = True
    params.endpoint_slots = False
    params.verbosity = 0
    return params


def _counter(metrics: str, name: str) -> int:
    line = next(line for line in metrics.splitlines() if line.startswith(f"llamacpp:{name} "))
    return int(float(line.split()[1]))
