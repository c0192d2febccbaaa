"""Controllers, which decide before each step whether and how strongly the model learns."""
