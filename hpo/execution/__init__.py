"""Execution on Ray: the only package, beside hpo.submission.job_server, that imports ray."""
