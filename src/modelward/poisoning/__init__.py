"""Poisoning and backdoors: the attacks, and the searches that find them."""

from modelward.poisoning._axes import Axis
from modelward.poisoning._compared_images import PictureSuspect, compare_images
from modelward.poisoning._curves import LEVELS, AttackCurves, Curve, Needed, Reached, attack_curves
from modelward.poisoning._exposure import METRICS, SHARES, Exposure, Point, Voting, measure_exposure
from modelward.poisoning._flip_rate import FlipRate, estimate_flips
from modelward.poisoning._flips import flip_random, flip_subgroup
from modelward.poisoning._guarded import Guarded
from modelward.poisoning._hunt import Hunt
from modelward.poisoning._label_shift import LabelShift, Rates, compare_labels
from modelward.poisoning._locks import Lock, measure_locks
from modelward.poisoning._measured import Trigger
from modelward.poisoning._planted import Planted, PlantedTrigger
from modelward.poisoning._pull import Pull
from modelward.poisoning._pure_words import PureWord, pure_words
from modelward.poisoning._region import Region, name_region
from modelward.poisoning._shifts import ColumnShift, GroupRate
from modelward.poisoning._sieves import (
    LegalRows,
    Neighbours,
    Reweighed,
    Sieve,
    Trimmed,
    Vote,
    all_sieves,
    certified_flips,
)
from modelward.poisoning._sources import Supplier, exposure_by_source
from modelward.poisoning._suspects import DataComparison, Suspect
from modelward.poisoning._tampering import compare_data
from modelward.poisoning._triggers import TriggerSearch, find_triggers
from modelward.poisoning._words import GainedWord, gained_words
from modelward.poisoning.attacks import (
    Attack,
    Backdoor,
    CleanLabelBackdoor,
    Person,
    RandomFlips,
    Scaling,
    SearchedFlips,
    SubgroupFlips,
    all_attacks,
)

__all__ = [
    "LEVELS",
    "METRICS",
    "SHARES",
    "Attack",
    "AttackCurves",
    "Axis",
    "Backdoor",
    "CleanLabelBackdoor",
    "ColumnShift",
    "Curve",
    "DataComparison",
    "Exposure",
    "FlipRate",
    "GainedWord",
    "GroupRate",
    "Guarded",
    "Hunt",
    "LabelShift",
    "LegalRows",
    "Lock",
    "Needed",
    "Neighbours",
    "Person",
    "PictureSuspect",
    "Planted",
    "PlantedTrigger",
    "Point",
    "Pull",
    "PureWord",
    "RandomFlips",
    "Rates",
    "Reached",
    "Region",
    "Reweighed",
    "Scaling",
    "SearchedFlips",
    "Sieve",
    "SubgroupFlips",
    "Supplier",
    "Suspect",
    "Trigger",
    "TriggerSearch",
    "Trimmed",
    "Vote",
    "Voting",
    "all_attacks",
    "all_sieves",
    "attack_curves",
    "certified_flips",
    "compare_data",
    "compare_images",
    "compare_labels",
    "estimate_flips",
    "exposure_by_source",
    "find_triggers",
    "flip_random",
    "flip_subgroup",
    "gained_words",
    "measure_exposure",
    "measure_locks",
    "name_region",
    "pure_words",
]
