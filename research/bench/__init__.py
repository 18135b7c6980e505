"""What each fast path costs beside its peer and beside the machine's own limit, measured side by side in one run."""
