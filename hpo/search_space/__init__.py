"""The space of a search: what it is, whether it fits the settings of a run, and the command that shows it."""

from hpo.search_space.space import Space, SpaceError

__all__ = ["Space", "SpaceError"]
