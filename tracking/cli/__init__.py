"""Commands for a person at a terminal, which `python -m tracking` puts together."""
