"""Sound and words of many songs from the providers: the plan, the run that can be stopped, what was lost and why."""
