"""What the subcommands of `mood` do once their heavy imports are welcome."""
