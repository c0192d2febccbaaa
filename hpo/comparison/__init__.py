"""A comparison of methods by their searches: who takes part, what each has found, and who can be told apart."""
