"""Benchmarks: each fast path against a reference ("peer") and against the machine's own limit, in one run."""
