"""The study: its Optuna storage, the plan of its runs, and the drivers that share it."""
