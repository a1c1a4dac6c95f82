"""Files to share a fitted estimator by: without code in them, or without Python."""

from skmnist.persistence._onnx import export_onnx
from skmnist.persistence._skops import load, save

__all__ = ["export_onnx", "load", "save"]
