"""Decisions: pure and synchronous, with the clock passed in. Nothing here talks to anybody."""
