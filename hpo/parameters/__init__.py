"""The kinds of parameter that a space is made of: what each may be, and how Optuna is asked for it."""
