"""The web page of `mood demo`; needs the extra `demo`."""
