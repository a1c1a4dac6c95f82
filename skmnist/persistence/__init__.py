"""Files to share a fitted estimator by: without code in them, or without Python."""

from skmnist.persistence._onnx import export_onnx
from skmnist.persistence._skops import TRUSTED_TYPES, load, save

__all__ = ["TRUSTED_TYPES", "export_onnx", "load", "save"]
