"""Pruners: rules that stop a trial before its last visit."""
