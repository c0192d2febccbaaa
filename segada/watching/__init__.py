"""What people look at: a log of steps, panels and tables."""
