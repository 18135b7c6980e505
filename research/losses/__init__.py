"""What training minimises: losses of one mood a song, of tags, of both, and of a whole step."""
