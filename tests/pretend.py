"""A pytest plugin (`-p pretend`) and a module to import first: crewai as it may be one day.

What it pretends is in the variable `PRETEND`; crewai itself works as it does.
"""

import importlib.abc
import importlib.machinery
import os
import sys
from pathlib import Path

from tracking.capture import support

# A name of crewai's own that is called something else, everywhere in its source.
RENAMED = {
    "renamed usage counter": ("_track_token_usage_internal", "_count_tokens_of_call"),
    "renamed event context": ("get_current_parent_id", "get_id_of_the_parent"),
}


class Renaming(importlib.abc.MetaPathFinder):
    """Finds crewai's modules where they are, and reads another name out of their source."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def find_spec(self, name, path, target=None):
        if not name.startswith("crewai."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return spec
        source = Path(spec.origin).read_text()
        if self.old in source:
            code = compile(source.replace(self.old, self.new), spec.origin, "exec", dont_inherit=True)
            spec.loader.get_code = lambda _: code
        return spec


def emit_of_another_shape():
    """Not when it is imported here: only crewai's users import it."""
    from crewai.events.event_bus import CrewAIEventsBus

    emit = CrewAIEventsBus.emit

    def emit_anything(self, *source_and_event, **named):
        return emit(self, *source_and_event, **named)

    CrewAIEventsBus.emit = emit_anything


def context_without_ids():
    from crewai.events import event_context

    event_context.get_current_parent_id = lambda: None  # the bus has its own reference already


pretended = os.environ.get("PRETEND", "")
if pretended == "newer":
    support.installed_version = lambda: "1.17.0"
elif pretended == "newer, without ids":
    support.installed_version = lambda: "1.17.0"
    context_without_ids()
elif pretended == "emit of another shape":
    emit_of_another_shape()
elif pretended in RENAMED:
    sys.meta_path.insert(0, Renaming(*RENAMED[pretended]))
elif pretended:
    raise ValueError(f"PRETEND is {pretended!r}")
