"""CSV, Parquet, Arrow and any data frame in, whole or by batches."""

from modelward.tables._facts import file_facts, is_table
from modelward.tables._read import read_batches, read_table
from modelward.tables._sample import stratified

__all__ = ["file_facts", "is_table", "read_batches", "read_table", "stratified"]
