"""Submission of a study as a job to a cluster."""
