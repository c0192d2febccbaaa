"""Networks: encoders, heads, the segmentor that joins them, and checkpoint formats."""
