"""Networks: encoders, heads, the segmentor that joins them, and the weights people have."""
