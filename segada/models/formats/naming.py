"""Tables of module names, written for one stage and one block, and the translation of a file's tensors by them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from torch import Tensor

from segada.models.formats.contents import Reading

STAGES = 4
MOST_BLOCKS = 64
"""Number of blocks of a stage that tables are expanded to; the deepest published encoder has 40."""

Rows = Sequence[tuple[str, str]]
"""Names of modules, theirs and ours: `{s}` is a stage from 0, `{i}` from 1, `{r}` from the deepest; `{j}` a block."""


def written_out(rows: Rows) -> dict[str, str]:
    """Returns our name of each module by theirs, for every stage and block."""
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
    """Names of a network in one code base."""

    encoder: Rows
    """Names of the encoder's modules, without `encoder_words`."""
    encoder_words: tuple[str, ...] = ("backbone",)
    """Prefixes that a whole network may put before the encoder's names."""
    head: Rows = ()
    head_words: tuple[str, ...] = ("decode_head",)
    """First components of the names of any head."""
    useless: Sequence[tuple[str, str]] = ()
    """Patterns of names that no network of ours needs, each with the reason."""
    no_head: str = ""
    """Reason why a head under these names is not one of ours; empty if it is."""

    def read(self, tensors: Mapping[str, Tensor]) -> Reading:
        """Translates tensors to our names.

        A head with a part that ours does not have is another function, and is left out as a whole.
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
                # A name that the table does not have, or has twice, is kept, and is later reported as unexpected.
                found[name if ours in found else ours] = tensor
        return Reading(found, left_out, no_head)

    def _short(self, name: str) -> str:
        word, _, rest = name.partition(".")
        return rest if word in self.encoder_words else name

    def _uselessness(self, name: str) -> str:
        return next((why for pattern, why in self.useless if re.fullmatch(pattern, name)), "")


def _module(name: str) -> str:
    return name.rpartition(".")[0]
