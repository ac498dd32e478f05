# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled functions as operators of PyTorch, and in models of transformers."""

from .operators import Layer
from .replace import replace_moe
