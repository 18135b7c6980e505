"""Download of audio and lyrics for many songs: the plan, the resumable run, what was lost and why."""
