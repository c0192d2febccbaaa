"""Adapters: small trainable modules in or beside a frozen encoder, and their placement."""
