"""Telling people: what is worth it, whom, when, and whether it arrived."""
