"""What the command line asks for each corpus: a dataclass a corpus, by the name of its file in `corpora`."""

from data_prep.commands.made import Folder, Lastfm, Synthetic
from data_prep.commands.published import (
    DeezerVa,
    Emopia,
    Merge,
    MirexLike,
    MoodyLyrics4Q,
    MtgJamendo,
    NjuMusicmood,
    Qaed4,
)

CORPORA = {
    "synthetic": Synthetic,
    "folder": Folder,
    "lastfm": Lastfm,
    "qaed4": Qaed4,
    "mirex_like": MirexLike,
    "nju_musicmood": NjuMusicmood,
    "mtg_jamendo": MtgJamendo,
    "merge": Merge,
    "emopia": Emopia,
    "moodylyrics4q": MoodyLyrics4Q,
    "deezer_va": DeezerVa,
}
