"""What presets are called."""

from collections.abc import Mapping

from tracking.errors import ConfigError
from tracking.ui import state


def preset_titles() -> Mapping[str, str]:
    """The presets' titles by name; a history must not depend on a config that can't be read."""
    try:
        return {name: preset.title for name, preset in state.catalog().presets.items()}
    except ConfigError:
        return {}
