"""From Last.fm's published files to a mood a track: reading, the label rules, the slides' tables."""
