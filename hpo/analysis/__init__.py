"""What a finished study says."""
