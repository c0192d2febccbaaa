"""Upper limits of user input. Anything larger is refused, with the limit in the error, before it takes effect.

The limits are far above what a search or a run can use, and low enough that a refusal costs little time and memory.
"""

from typing import Final

FILE_BYTES: Final = 1 << 20
"""Greatest size of a settings file, in bytes."""
DEPTH: Final = 50
"""Greatest depth of nested mappings and lists, once aliases are expanded."""
VALUES: Final = 20_000
"""Greatest number of values of a file, keys not counted, once aliases and merges are expanded."""
TEXT: Final = 10_000
"""Greatest number of characters of one text."""
KEY: Final = 255
"""Greatest number of characters of one key, or of one path of `--set`."""
NUMBER: Final = 100
"""Greatest number of characters of one number."""
WHOLE: Final = 10**18
"""Greatest absolute value of an integer, so that it fits into 64 bits."""
NAME: Final = 100
"""Greatest number of characters of a name that, with a suffix, becomes a folder name; file systems allow 255 bytes."""
PLACE: Final = 1_000
"""Greatest number of characters of a path or URL; Linux allows 4,096 bytes, and file names are appended to it."""
PART: Final = 255
"""Greatest number of bytes of one component of a path, the limit of file systems."""
COUNT: Final = 1_000_000
"""Default limit of counts: frames, steps, channels, runs."""
SEED: Final = 10**15
"""Greatest seed; indices of trials and runs are added to it."""
VISITS: Final = 10_000
"""Greatest number of visits of one run."""

FILES: Final = 20
"""Greatest number of study files that extend each other."""
TRIALS: Final = 100_000
"""Greatest number of trials of a search."""
PICTURES: Final = 50
"""Greatest number of frames of a visit in the report of a study."""
RUNS: Final = 1_000
"""Greatest number of seeds of a confirmation, and of configurations that are confirmed."""
POPULATION: Final = 10_000
"""Greatest number of trials or children that a sampler handles at once, and of values of a number in a grid."""
PARAMETERS: Final = 200
"""Greatest number of parameters of a space, and of forbidden combinations."""
CHOICES: Final = 1_000
"""Greatest number of choices of a parameter, and of members of a list in a condition."""
LEVELS: Final = 1_000_000
"""Greatest number of values of a number with a step."""
WAYS: Final = 1_000
"""Greatest number of ways in which the conditions of a parameter, and of those above it, can be met."""
OBJECTIVES: Final = 8
"""Greatest number of objectives of a study, and of constraints; samplers compare every pair of trials in each."""
DIVISIONS: Final = 20
"""Greatest number of divisions of an objective's axis in nsga3; reference points are as many as their combinations."""
FORMULA: Final = 1_000
"""Greatest number of characters of a formula."""
TERMS: Final = 200
"""Greatest count of numbers, metrics, operators and functions of a formula."""
