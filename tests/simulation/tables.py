"""Lays the simulation's results out: rows of text for the documentation."""

from simulation.results import Results

__all__ = ["FIGURES", "PROMISES", "figures", "number", "promises"]

FIGURES = ("Scenario", "Figure", "Found")
PROMISES = ("Scenario", "What must hold", "Wanted", "Found", "")


def figures(results: Results) -> list[tuple[str, ...]]:
    """Show each scenario's figures."""
    return [
        (result.title if first else "", figure, number(value))
        for result in results.results.values()
        for first, (figure, value) in _first(result.figures)
    ]


def promises(results: Results) -> list[tuple[str, ...]]:
    """Show what must hold in each scenario, and whether it does."""
    return [
        (result.title, each.what, each.wanted, each.found, "kept" if each.kept else "**missed**")
        for result in results.results.values()
        for each in result.promises
    ]


def number(value: float) -> str:
    """Show a figure with three digits, or as a whole."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"


def _first(figures: dict[str, float]) -> list[tuple[bool, tuple[str, float]]]:
    return [(position == 0, item) for position, item in enumerate(figures.items())]
