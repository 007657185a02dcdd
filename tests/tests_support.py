"""What several test files need."""

import shutil

from tracking.settings import REPOSITORY


def copy_config(folder):
    """The shipped configuration, to be bent by a test."""
    return shutil.copytree(REPOSITORY / "config", folder / "config")
