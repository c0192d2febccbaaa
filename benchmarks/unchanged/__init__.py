"""Records the numbers of many small runs of a checkout, and compares two recordings to the last bit."""
