"""Corpus preparation: turns songs into `data/<corpus>/tracks.parquet`; the only code that talks to the web.

`commands` what the command line asks · `corpora` one file a corpus, its data sheet first · `table` songs to a checked
corpus folder · `lastfm` tags to moods · `fetching` a resumable run over many songs · `previews` and `lyrics` one file a
provider · `matching` is it the same song? · `web` services, their rates and terms · `composer` the invented songs of
the synthetic corpus.
"""
