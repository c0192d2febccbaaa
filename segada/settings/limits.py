"""How large what a person writes may be. What is larger is refused with the limit's number, before it takes effect.

The limits are far above what a search or a run can use, and low enough that a refusal takes neither long nor memory.
"""

from typing import Final

FILE_BYTES: Final = 1 << 20
"""Of a settings file."""
DEPTH: Final = 50
"""Mappings and lists inside each other, once aliases are replaced by what they stand for."""
VALUES: Final = 20_000
"""Values of a file, keys not counted, once aliases and merges are replaced by what they stand for."""
TEXT: Final = 10_000
"""Characters of one text."""
KEY: Final = 255
"""Characters of one key, or of one path of `--set`."""
NUMBER: Final = 100
"""Characters of one number."""
WHOLE: Final = 10**18
"""The largest whole number, and with a minus the smallest: what 64 bits hold."""
NAME: Final = 100
"""Characters of a name that becomes a folder, to which further words are added; file systems take 255 bytes."""
PLACE: Final = 1_000
"""Characters of a path or URL; Linux takes 4,096 bytes, and names of files come behind it."""
PART: Final = 255
"""Bytes of one name in a path, as file systems have it."""
COUNT: Final = 1_000_000
"""What is counted, unless something else is said: frames, steps, channels, runs."""
SEED: Final = 10**15
"""The largest seed, to which numbers of trials and of runs are added."""
VISITS: Final = 10_000
"""Visits of one run."""

FILES: Final = 20
"""Study files that extend each other."""
TRIALS: Final = 100_000
"""Trials of a search."""
RUNS: Final = 1_000
"""Seeds of a confirmation, and configurations that are confirmed."""
POPULATION: Final = 10_000
"""Trials or children that a sampler handles at once, and values of a number in a grid."""
PARAMETERS: Final = 200
"""Parameters of a space, and forbidden combinations."""
CHOICES: Final = 1_000
"""Choices of a parameter, and members of a list in a condition."""
LEVELS: Final = 1_000_000
"""Values of a number with a step."""
WAYS: Final = 1_000
"""Ways in which the conditions of a parameter, and of those above it, can be met."""
OBJECTIVES: Final = 8
"""Objectives of a study, and constraints; samplers compare every pair of trials in each."""
DIVISIONS: Final = 20
"""Of an objective's axis, in nsga3: reference points are as many as combinations of them."""
FORMULA: Final = 1_000
"""Characters of a formula."""
TERMS: Final = 200
"""Numbers, metrics, operators and functions of a formula."""
