# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The model of peers/onnxruntime_layer.py with its MoE node compiled. The rest of the
command line: a folder for model files, the compiler, and the library of the native
operator or "python"."""

import pathlib

import onnxruntime
from onnxruntime_layer import build
from peer import Layer, converse

import moec_onnxruntime


def main():
    layer = Layer()
    directory, compiler, operator = pathlib.Path(layer.rest[0]), *layer.rest[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = layer.threads
    options.inter_op_num_threads = 1
    domain = "moec"
    if operator == "python":
        domain = moec_onnxruntime.EXTENSIONS
        moec_onnxruntime.register(options)
    else:
        options.register_custom_ops_library(operator)
    build(layer, directory, False)
    moec_onnxruntime.replace_moe(directory / "layer.onnx", directory / "fast.onnx",
                                 compiler=compiler, domain=domain)
    for weights in ("fc1", "fc2"):  # the artifact has them
        (directory / weights).unlink()
    sessions = [onnxruntime.InferenceSession(str(directory / "fast.onnx"), options)
                for _ in range(layer.copies)]
    converse(layer, onnxruntime.__version__, lambda x: {"x": x},
             lambda given, copy: sessions[copy].run(None, given)[0])


main()
