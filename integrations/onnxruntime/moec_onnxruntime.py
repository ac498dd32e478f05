# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled MoE layers inside ONNX Runtime sessions.

    import moec_onnxruntime
    moec_onnxruntime.replace_moe("model.onnx", "fast.onnx")
    options = onnxruntime.SessionOptions()
    moec_onnxruntime.register(options)
    session = onnxruntime.InferenceSession("fast.onnx", options)

Needs onnx, onnxruntime-extensions and the package moec with libmoec, on whose threads
layers run. To run them on the session's, without Python, build moec_onnxruntime.cpp, give replace_moe
domain="moec" and register the library instead.
"""

import os
import pathlib
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper

import moec

OPERATOR = "MoecLayer"
EXTENSIONS = "ai.onnx.contrib"  # the domain of onnxruntime-extensions
_layers = {}


def _submodel(model, node):
    """A model of `node` alone: (x [T, hidden], logits [T, experts]) -> y."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for name in node.input[2:]:
        if name and name not in weights:
            raise ValueError(f"{node.name or node.output[0]}: input {name!r} is no initializer, "
                             "so it cannot be compiled")
    kept = [weights[name] for name in node.input[2:] if name]
    # fc1 is [experts, inner or 2 * inner, hidden], fc2 [experts, hidden, inner].
    experts, hidden = weights[node.input[2]].dims[0], weights[node.input[4]].dims[1]
    alone = onnx.NodeProto()
    alone.CopyFrom(node)
    del alone.input[:2]
    names = ["x", "logits", *alone.input]
    del alone.input[:]
    alone.input.extend(names)
    alone.output[0] = "y"
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [alone], "layer", [value("x", TensorProto.FLOAT, ["T", hidden]),
                           value("logits", TensorProto.FLOAT, ["T", experts])],
        [value("y", TensorProto.FLOAT, ["T", hidden])], kept)
    return helper.make_model(graph, ir_version=model.ir_version, opset_imports=model.opset_import)


def replace_moe(source, target, compiler="moec", options=(), domain=EXTENSIONS):
    """Writes `source` with each com.microsoft.MoE node compiled by `compiler` to
    `target`, artifacts beside it (TARGET.0.moe, ..). Both paths are in one folder where
    `source` has tensors in files of their own. Returns how many nodes were replaced."""
    source, target = pathlib.Path(source).resolve(), pathlib.Path(target).resolve()
    model = onnx.load(source, load_external_data=False)
    count = 0
    for node in model.graph.node:
        if node.domain != "com.microsoft" or node.op_type != "MoE":
            continue
        artifact = target.with_suffix(f".{count}.moe")
        alone = source.with_suffix(f".{count}.moec.onnx")
        alone.write_bytes(_submodel(model, node).SerializeToString())
        try:
            compiled = subprocess.run([compiler, str(alone), "-o", str(artifact), *options],
                                      capture_output=True, text=True)
        except FileNotFoundError:
            raise FileNotFoundError(f"the compiler {compiler!r} is not installed: give its path "
                                    "as compiler=...") from None
        finally:
            alone.unlink()
        if compiled.returncode:
            raise ValueError(f"{node.name or node.output[0]}: {compiled.stderr.strip()}")
        node.op_type, node.domain = OPERATOR, domain
        del node.input[2:], node.attribute[:]
        node.attribute.append(helper.make_attribute("artifact", str(artifact)))
        count += 1
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    if domain not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(domain, 1))
    target.write_bytes(model.SerializeToString())
    return count


class _Result(np.ndarray):
    """onnxruntime-extensions asks a result for a list of its numbers, but takes an array
    as well, without making an object of each."""

    def tolist(self):
        return self.view(np.ndarray)


def _run(x, logits, artifact):
    # A file that was written again is another layer.
    status = os.stat(artifact)
    key = artifact, status.st_ino, status.st_mtime_ns
    if key not in _layers:
        _layers[key] = moec.load(artifact)["main"]
    y, = _layers[key](x.reshape(-1, x.shape[-1]), logits.reshape(-1, logits.shape[-1]))
    return y.reshape(x.shape).view(_Result)


def register(options):
    """Makes the operator known to sessions with these onnxruntime.SessionOptions, whose
    threads spin no more."""
    from onnxruntime_extensions import PyCustomOpDef, get_library_path, onnx_op
    if not hasattr(register, "operator"):
        number = PyCustomOpDef.dt_float
        register.operator = onnx_op(
            op_type=OPERATOR, inputs=[number, number], outputs=[number],
            attrs={"artifact": PyCustomOpDef.dt_string})(_run)
    # The layer has threads of its own; those of the session would spin beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.register_custom_ops_library(get_library_path())
