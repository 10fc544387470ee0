"""The formats that are read, one file each, in the order in which content is shown to them.

A format's file is loaded when content shows that it is of that format (`_signs.py`): a process that scans one small
pickle takes a quarter of a second, and most of it would go into readers that it does not need.
"""

from modelward.artifacts._formats import Reader
from modelward.artifacts.readers import _signs as signs

PICKLE = Reader("pickle", lambda _content: True, "_pickle")
READERS: tuple[Reader, ...] = (
    Reader("npy", signs.is_npy, "_npy"),
    Reader("zip", signs.is_zip, "_zip"),
    Reader("tar", signs.is_tar, "_tar"),
    Reader("PyTorch (legacy)", signs.is_torch_legacy, "_torch_legacy", is_pickle=True),
    Reader("R data", signs.is_r, "_r"),
    # What follows holds data and calls nothing by name.
    Reader("safetensors", signs.is_safetensors, "_safetensors"),
    Reader("ONNX", signs.is_onnx, "_onnx"),
    Reader("XGBoost JSON", signs.is_xgboost_json, "_xgboost", "read_json_model"),
    Reader("XGBoost UBJSON", signs.is_xgboost_ubj, "_xgboost", "read_ubj_model"),
    Reader("XGBoost binary", signs.is_xgboost_old, "_xgboost", "read_old_model"),
    Reader("LightGBM text", signs.is_lightgbm, "_lightgbm"),
    Reader("CatBoost", signs.is_catboost, "_catboost"),
)
"""Formats that content names itself to be, by magic bytes or structure."""

__all__ = ["PICKLE", "READERS"]
