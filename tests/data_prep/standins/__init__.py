"""Servers on loopback that answer as the services do, good days and bad."""
