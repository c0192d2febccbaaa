"""Sections of the shipped recipes, for tests of their numbers on small frames."""

from importlib import resources

from segada.settings.files import load_run_settings


def recipe_section(name: str, section: str) -> dict[str, object]:
    """Returns a section of a recipe's settings as plain values, defaults included."""
    settings = load_run_settings(str(resources.files("segada") / "recipes" / f"{name}.yaml"))
    values: dict[str, object] = getattr(settings, section).model_dump()
    return values
