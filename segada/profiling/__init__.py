"""Contents of a profile: times of the parts of a step, and parameters by module."""
