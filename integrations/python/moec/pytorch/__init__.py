# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled functions as operators of PyTorch."""

from .operators import Layer
