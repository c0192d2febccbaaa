"""What `python -m segada.evaluate` is made of."""
