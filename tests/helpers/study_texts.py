"""The study file that most tests of the search begin with."""

_STUDY = """
name: {name}
run: {{stream: {{visits: [clear, 50mm, 200mm]}}, evaluation: {{split: val}}}}
space:
  method.pseudo_threshold: {{type: float, low: 0.5, high: 0.9}}
sampler: {{name: random, seed: 0}}
"""


def study_text(*lines: str, name: str = "tiny") -> str:
    """Returns the text of a study of three visits and one parameter, which a random sampler proposes.

    Args:
        lines: Further lines of the file, which must say the budget.
        name: Name of the study.
    """
    return "\n".join([_STUDY.format(name=name).removesuffix("\n"), *lines, ""])
