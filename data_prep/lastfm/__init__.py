"""From Last.fm's published files to one mood per track: reading, the label rules, the slides' tables."""
