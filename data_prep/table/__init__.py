"""From songs to a corpus folder: read the rows, screen the songs, place their files, write the table and its card."""
