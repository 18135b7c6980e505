"""The way to web services: where they are, what they allow, and the one session that keeps to it."""
