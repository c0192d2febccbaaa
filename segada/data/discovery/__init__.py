"""Discovery of domains, classes and sizes in folders without a published layout."""
