# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""com.microsoft.MoE (f32) and QMoE (blocks of 32 with f32 scales) on ONNX Runtime's
CPU provider. Formats: f32, int8, int4; the rest of the command line: a directory
for model files, then "float" or "integer" activations of QMoE."""

import pathlib

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper
from peer import Layer, converse

BLOCK = 32
TYPES = {numpy.dtype("float32"): TensorProto.FLOAT, numpy.dtype("uint8"): TensorProto.UINT8}


def quantize(weights, bits):
    """Codes with the zero point in the middle, two a byte for 4 bits, and scales."""
    experts, rows, width = weights.shape
    top = 2 ** (bits - 1)
    codes = numpy.empty((experts, rows, width * bits // 8), numpy.uint8)
    scales = numpy.empty((experts, rows, width // BLOCK), numpy.float32)
    for e in range(experts):
        blocks = weights[e].reshape(rows, -1, BLOCK)
        scale = numpy.abs(blocks).max(-1, keepdims=True) / (top - 1)
        scale[scale == 0] = 1
        code = numpy.clip(numpy.rint(blocks / scale), -top, top - 1) + top
        code = code.astype(numpy.uint8).reshape(rows, width)
        codes[e] = code if bits == 8 else code[:, 0::2] | code[:, 1::2] << 4
        scales[e] = scale[..., 0]
    return codes, scales


def external(directory, name, array):
    """A tensor whose bytes lie in a file of their own."""
    (directory / name).write_bytes(array.tobytes())
    tensor = TensorProto(name=name, data_type=TYPES[array.dtype], dims=array.shape,
                         data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=name)
    return tensor


def build(layer, directory, integer):
    d, f, e = layer.hidden, layer.intermediate, layer.experts
    # Rows of gate and up alternate.
    first = numpy.empty((e, 2 * f, d), numpy.float32)
    first[:, 0::2], first[:, 1::2] = layer.gate, layer.up
    attributes = dict(k=layer.top_k, activation_type="swiglu", swiglu_fusion=1,
                      normalize_routing_weights=1, activation_alpha=1.0, activation_beta=0.0)
    if layer.format == "f32":
        tensors = [external(directory, "fc1", first),
                   external(directory, "fc2", numpy.asarray(layer.down))]
        node = helper.make_node("MoE", ["x", "scores", "fc1", "", "fc2"], ["y"],
                                domain="com.microsoft", **attributes)
    else:
        bits = {"int8": 8, "int4": 4}[layer.format]
        tensors = []
        for name, weights in (("fc1", first), ("fc2", layer.down)):
            codes, scales = quantize(weights, bits)
            tensors += [external(directory, name, codes),
                        external(directory, name + "_scales", scales)]
        attributes.update(expert_weight_bits=bits, block_size=BLOCK)
        if integer:
            attributes["accuracy_level"] = 4
        node = helper.make_node(
            "QMoE", ["x", "scores", "fc1", "fc1_scales", "", "fc2", "fc2_scales", ""], ["y"],
            domain="com.microsoft", **attributes)
    router = numpy.ascontiguousarray(layer.router.T)
    tensors.append(external(directory, "router", router))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "router"], ["scores"]), node], "layer",
        [value("x", TensorProto.FLOAT, ["T", d])], [value("y", TensorProto.FLOAT, ["T", d])],
        tensors)
    model = helper.make_model(graph, ir_version=9, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    (directory / "layer.onnx").write_bytes(model.SerializeToString())


def main():
    layer = Layer()
    directory = pathlib.Path(layer.rest[0])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = layer.threads
    options.inter_op_num_threads = 1
    build(layer, directory, layer.rest[1:] == ["integer"])
    sessions = [onnxruntime.InferenceSession(str(directory / "layer.onnx"), options,
                                             providers=["CPUExecutionProvider"])
                for _ in range(layer.copies)]
    converse(layer, onnxruntime.__version__, lambda x: {"x": x},
             lambda given, copy: sessions[copy].run(None, given)[0])


if __name__ == "__main__":
    main()
