"""What a profile is made of: where a step's time goes, and where a network's parameters are."""
