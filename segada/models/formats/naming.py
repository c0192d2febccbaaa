"""Tables of names, written for one stage and one block, and what they make of a file's tensors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from torch import Tensor

from segada.models.formats.contents import Reading

STAGES = 4
MOST_BLOCKS = 64
"""Blocks of a stage that tables are written out for; the deepest published encoder has 40."""

Rows = Sequence[tuple[str, str]]
"""Names of modules, theirs and ours: `{s}` is a stage from 0, `{i}` from 1, `{r}` from the deepest; `{j}` a block."""


def written_out(rows: Rows) -> dict[str, str]:
    """Our name of a module by theirs, for every stage and block."""
    table = {}
    for theirs, ours in rows:
        stages = range(STAGES) if re.search(r"\{[sir]\}", theirs) else range(1)
        blocks = range(MOST_BLOCKS) if "{j}" in theirs else range(1)
        for s, j in product(stages, blocks):
            places = {"s": s, "i": s + 1, "r": STAGES - 1 - s, "j": j}
            table[theirs.format(**places)] = ours.format(**places)
    return table


@dataclass(frozen=True, slots=True)
class Naming:
    """How one code base names a network."""

    encoder: Rows
    """Without the words that a whole network may put before them."""
    encoder_words: tuple[str, ...] = ("backbone",)
    """Those words."""
    head: Rows = ()
    head_words: tuple[str, ...] = ("decode_head",)
    """First words of the names of a head, whichever head it is."""
    useless: Sequence[tuple[str, str]] = ()
    """Patterns of names that no network of ours needs, each with the reason."""
    no_head: str = ""
    """Why a head under these names is none of ours, where that is so."""

    def read(self, tensors: Mapping[str, Tensor]) -> Reading:
        """Tensors under our names.

        A head with a part that ours has not is another function, and is left out as a whole.
        """
        table = {**written_out(self.encoder), **written_out(self.head)}
        left_out = {name: reason for name in tensors if (reason := self._uselessness(name))}
        of_head = [name for name in tensors if name not in left_out and name.split(".")[0] in self.head_words]
        foreign = next((name for name in of_head if _module(name) not in table), None)
        no_head = ""
        if foreign is not None:
            no_head = self.no_head or f"its head has {foreign}, which no head here has"
            left_out |= dict.fromkeys(of_head, "of a head that is none of ours")
        found = {}
        for name, tensor in tensors.items():
            if name not in left_out:
                module, leaf = _module(self._short(name)), name.rpartition(".")[2]
                ours = f"{table[module]}.{leaf}" if module in table else name
                # What the table has not, or has twice, keeps its name, and will be unexpected.
                found[name if ours in found else ours] = tensor
        return Reading(found, left_out, no_head)

    def _short(self, name: str) -> str:
        word, _, rest = name.partition(".")
        return rest if word in self.encoder_words else name

    def _uselessness(self, name: str) -> str:
        return next((why for pattern, why in self.useless if re.fullmatch(pattern, name)), "")


def _module(name: str) -> str:
    return name.rpartition(".")[0]
