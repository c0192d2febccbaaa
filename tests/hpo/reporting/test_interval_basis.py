"""Sentences on the blocks in which frames are drawn."""

from hpo.reporting.interval_basis import interval_basis
from hpo.results.confirmation import Blocks


def test_domains_with_few_blocks_are_named_with_the_cure() -> None:
    drive = Blocks(frames=24, recordings=1, block_length=10)
    said = interval_basis({"night": drive, "road": Blocks(frames=80, recordings=2, block_length=4), "dusk": drive})
    assert "The 24 frames of night and dusk are of 1 recording; blocks have 10 frames" in said
    assert "They make 2 blocks, so that the intervals of night and dusk are wide; more recordings narrow them" in said
    assert "intervals of road" not in said


def test_independent_scenes_have_no_blocks() -> None:
    said = interval_basis({"clear": Blocks(frames=80, recordings=80, block_length=1)})
    assert said.endswith("The 80 frames of clear are independent scenes, drawn one by one.")
