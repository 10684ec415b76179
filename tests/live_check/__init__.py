"""`make live-check`: the main scenario against a real account or the fake, and answers to open questions."""
