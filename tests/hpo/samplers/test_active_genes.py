"""Tests of the cache of active genes against the space's own results."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from hpo.samplers import active_genes
from hpo.samplers.active_genes import ActiveGenes
from hpo.search_space import Space
from hpo.search_space.kinds import Parameter
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit

SPACE = Space(
    TypeAdapter(dict[str, Parameter]).validate_python(
        {
            "kind": {"type": "choice", "choices": ["none", "a", "b"]},
            "weight": {"type": "float", "low": 0.01, "high": 1.0, "off": 0.0},
            "width": {"type": "int", "low": 1, "high": 9, "when": {"kind": ["a", "b"]}},
            "places": {"type": "subset", "of": [0, 1, 2], "when": {"kind": "a"}},
            "deep": {"type": "bool", "when": {"width": {"above": 4}, "weight": {"above": 0.3}}},
            "reach": {"type": "float", "low": 0.0, "high": 1.0, "when": {"deep": True}},
        }
    )
)
ACTIVE_GENES = ActiveGenes(SPACE)
NAMES = list(SPACE.distributions())


@given(st.lists(st.floats(0.0, 1.0), min_size=len(NAMES), max_size=len(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_it_equals_the_active_values_of_the_space(units: list[float], lacking: set[str]) -> None:
    genome: dict[str, Raw] = {
        name: from_unit(one, unit)
        for (name, one), unit in zip(SPACE.distributions().items(), units, strict=True)
        if name not in lacking
    }
    assert ACTIVE_GENES(genome) == SPACE.active_values(genome)


def test_it_forgets_before_it_grows_without_end(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(active_genes, "KEPT", 5)
    active_values = ActiveGenes(SPACE)
    genome = {name: from_unit(one, 0.9) for name, one in SPACE.distributions().items()}
    for step in range(40):
        assert active_values({**genome, "weight": 0.01 + step / 50}) == SPACE.active_values(
            {**genome, "weight": 0.01 + step / 50}
        )
    assert len(active_values._known) <= 5
