"""Weather rendering: rain, fog and night by scene depth."""
