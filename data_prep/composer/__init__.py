"""A small composer: invented songs whose sound and words each tell their mood in part."""
