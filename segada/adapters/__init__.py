"""Small trainable modules for a frozen encoder, one adapter one file, and their placement."""
