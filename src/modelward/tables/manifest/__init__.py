"""Provenance of a table: a small text file of hashes that says what changed, without the rows."""

from modelward.tables.manifest._build import make_manifest
from modelward.tables.manifest._compare import ManifestChange, ManifestDifference, compare_manifests
from modelward.tables.manifest._manifest import Block, ColumnHash, LabelCount, Manifest, read_secret
from modelward.tables.manifest._read import is_manifest, read_manifest

__all__ = [
    "Block",
    "ColumnHash",
    "LabelCount",
    "Manifest",
    "ManifestChange",
    "ManifestDifference",
    "compare_manifests",
    "is_manifest",
    "make_manifest",
    "read_manifest",
    "read_secret",
]
