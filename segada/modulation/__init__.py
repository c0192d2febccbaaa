"""Controllers: whether and how strongly each step learns."""
