"""What the command line asks for each corpus: a dataclass a corpus, by the name of its file in `corpora`."""

from data_prep.commands.made import MADE
from data_prep.commands.published import PUBLISHED

CORPORA = MADE | PUBLISHED
