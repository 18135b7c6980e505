"""A small composer of synthetic songs whose audio and lyrics each show part of their mood."""
