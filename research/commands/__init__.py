"""The subcommands of `mood`, one module each. They import heavy libraries, so `research.cli` imports them late."""
