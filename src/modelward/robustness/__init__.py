"""What goes wrong by itself: corruption, natural examples, error slices, cells nobody tested."""

from modelward.robustness._cells import Cells, visited_cells
from modelward.robustness._corruptions import Corruption, table_corruptions
from modelward.robustness._drop import Drop, affordable, corrupt, paired_loss
from modelward.robustness._natural import SURE, Certainty, certainty
from modelward.robustness._seen import Seen, seen_rows
from modelward.robustness._slices import FDR, Slice, error_slices

__all__ = [
    "FDR",
    "SURE",
    "Cells",
    "Certainty",
    "Corruption",
    "Drop",
    "Seen",
    "Slice",
    "affordable",
    "certainty",
    "corrupt",
    "error_slices",
    "paired_loss",
    "seen_rows",
    "table_corruptions",
    "visited_cells",
]
