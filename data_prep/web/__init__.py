"""Access to web services: their addresses and limits, and the one session that respects them."""
