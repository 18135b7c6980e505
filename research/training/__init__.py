"""The only training loop, with its options, schedules and epoch selection."""
