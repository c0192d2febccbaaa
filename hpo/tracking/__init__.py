"""wandb: what it is told of a study, by whom, and what becomes of it when its server does not answer."""
