"""The formats that hold data and call nothing by name, in the order in which content is shown to them."""

from modelward.artifacts._formats import Reader
from modelward.artifacts.readers._catboost import READER as CATBOOST
from modelward.artifacts.readers._lightgbm import READER as LIGHTGBM
from modelward.artifacts.readers._onnx import READER as ONNX
from modelward.artifacts.readers._safetensors import READER as SAFETENSORS
from modelward.artifacts.readers._xgboost import JSON, OLD, UBJ

CODELESS: tuple[Reader, ...] = (SAFETENSORS, ONNX, JSON, UBJ, OLD, LIGHTGBM, CATBOOST)
