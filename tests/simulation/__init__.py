"""A simulation of large accounts on a clock that leaps: the real scheduler, client and observers, a simulated API."""
