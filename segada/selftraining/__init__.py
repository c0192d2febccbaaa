"""The tensor code of self-training: class-mix, pseudo-labels, teacher, feature distance."""
