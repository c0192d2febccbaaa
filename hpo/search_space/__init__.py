"""Search space of a study: its parameters and conditions, and its check against the settings of a run."""

from hpo.search_space.space import Space, SpaceError

__all__ = ["Space", "SpaceError"]
