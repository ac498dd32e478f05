# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare.py MOEC DIR [LIBRARY]: a model with two com.microsoft.MoE nodes in ONNX
Runtime, against the same model with compiled ones; by the operator of LIBRARY, or by
the one in Python."""

import os
import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

INTEGRATIONS = os.path.join(os.path.dirname(__file__), "../../../integrations")
sys.path += [os.path.join(INTEGRATIONS, name) for name in ("python", "onnxruntime")]
import moec  # noqa: E402
import moec_onnxruntime  # noqa: E402

HIDDEN, INNER, EXPERTS, TOP_K = 48, 40, 6, 2
rng = np.random.default_rng(7)


def write_model(path):
    """x [B, S, hidden] through two layers: fused SwiGLU, and ReLU with biases."""
    normal = lambda *shape: (0.2 * rng.standard_normal(shape)).astype(np.float32)
    weights = {"router0": 5 * normal(HIDDEN, EXPERTS), "router1": 5 * normal(HIDDEN, EXPERTS),
               "gate_up": normal(EXPERTS, 2 * INNER, HIDDEN), "down": normal(EXPERTS, HIDDEN, INNER),
               "in": normal(EXPERTS, INNER, HIDDEN), "in_bias": normal(EXPERTS, INNER),
               "out": normal(EXPERTS, HIDDEN, INNER), "out_bias": normal(EXPERTS, HIDDEN),
               "rows": np.array([-1, EXPERTS])}
    node = lambda op, inputs, output, **more: helper.make_node(op, inputs, [output], **more)
    moe = lambda inputs, output, **more: node("MoE", inputs, output, domain="com.microsoft",
                                              k=TOP_K, **more)
    nodes = []
    for i, (x, y) in enumerate((("x", "h"), ("h", "y"))):
        nodes += [node("MatMul", [x, f"router{i}"], f"scores{i}"),
                  node("Reshape", [f"scores{i}", "rows"], f"logits{i}")]
        nodes += [moe([x, "logits0", "gate_up", "", "down"], "moe0", activation_type="swiglu",
                      swiglu_fusion=1, activation_alpha=1.0, activation_beta=0.0,
                      normalize_routing_weights=1) if i == 0 else
                  moe([x, "logits1", "in", "in_bias", "out", "out_bias"], "moe1",
                      activation_type="relu"),
                  node("Add", [x, f"moe{i}"], y)]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                                       ["B", "S", HIDDEN])
    graph = helper.make_graph(nodes, "model", [value("x")], [value("y")],
                              [numpy_helper.from_array(array, name)
                               for name, array in weights.items()])
    model = helper.make_model(graph, ir_version=9, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    # Tensors in a file of their own, as in models of real size.
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=100)


def refused(function):
    try:
        function()
    except Exception as error:  # the kinds are ONNX Runtime's
        print(error)
        return
    sys.exit("a wrong call is not refused")


def main():
    compiler, directory, *library = sys.argv[1:]
    directory = pathlib.Path(directory)
    domain = "moec" if library else moec_onnxruntime.EXTENSIONS
    write_model(directory / "model.onnx")
    replace = lambda source, compiler=compiler: moec_onnxruntime.replace_moe(
        directory / source, directory / "fast.onnx", compiler=compiler, domain=domain)
    print("replaced", replace("model.onnx"))
    fast = onnx.load(directory / "fast.onnx", load_external_data=False)
    print("initializers", *sorted(tensor.name for tensor in fast.graph.initializer))

    options = onnxruntime.SessionOptions()
    if library:
        options.register_custom_ops_library(library[0])
    else:
        moec_onnxruntime.register(options)
    open_model = lambda name, more=None: onnxruntime.InferenceSession(
        str(directory / name), more or options)
    own = open_model("model.onnx", onnxruntime.SessionOptions())
    session = open_model("fast.onnx")
    for shape in ((1, 1), (0, 3), (2, 9), (1, 300)):
        x = rng.standard_normal((*shape, HIDDEN)).astype(np.float32)
        expected, result = own.run(None, {"x": x})[0], session.run(None, {"x": x})[0]
        assert result.shape == expected.shape
        if expected.size:
            error = abs(result - expected).max() / abs(expected).max()
            assert error < 1e-4, error
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: session.run(None, {"x": x})[0], range(40)):
            assert (again == result).all()
    # Other weights in files of the same names.
    write_model(directory / "model.onnx")
    replace("model.onnx")
    changed = open_model("fast.onnx").run(None, {"x": x})[0]
    expected = open_model("model.onnx", onnxruntime.SessionOptions()).run(None, {"x": x})[0]
    assert abs(changed - expected).max() < 1e-4 * abs(expected).max() < abs(changed - result).max()
    print("equal")

    refused(lambda: replace("model.onnx", compiler="no-such-compiler"))
    model = onnx.load(directory / "model.onnx", load_external_data=False)
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "down")
    model.graph.initializer.remove(weight)
    (directory / "broken.onnx").write_bytes(model.SerializeToString())
    refused(lambda: replace("broken.onnx"))
    (directory / "fast.1.moe").write_bytes(b"no artifact")
    refused(lambda: open_model("fast.onnx").run(None, {"x": x}) if library else
            moec.load(directory / "fast.1.moe"))


main()
