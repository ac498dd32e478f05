# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""load.py DIR: artifacts from Python. DIR has tiny.moe and model.moe, x.npy, and the
result of moe-run in y.npy."""

import os
import sys
import threading

import numpy as np
import torch

import moec
import moec.pytorch


def refused(function):
    try:
        function()
    except Exception as error:  # the kinds are looked at
        print(f"{type(error).__name__}: {error}")
        return
    sys.exit("a wrong call is not refused")


def check_session(model):
    """Decoding in pieces is forward of the whole."""
    tokens = torch.tensor([[3, 1, 4, 1, 5]])
    whole = model["forward"](tokens).logits
    refused(lambda: model["decode"](tokens))
    session = model.session(C=16)
    session("decode", tokens[:, :3])
    session("decode", tokens[:, 4:])
    session.truncate(3)
    pieces = session("decode", tokens[:, 3:]).logits
    assert session.length() == 5 and torch.allclose(pieces, whole[:, 3:], atol=1e-4)
    session.reset()
    assert session.length() == 0
    refused(lambda: model.session(C=2)("decode", tokens))
    print("session")


def main():
    os.chdir(sys.argv[1])
    artifact = os.path.abspath("tiny.moe")
    module = moec.load(artifact, verify=True)
    print(module)
    layer = module["layers.0.moe"]
    array = np.load("x.npy")
    x = torch.from_numpy(array)
    expected = np.load("y.npy").reshape(array.shape)

    result = layer(x)
    assert isinstance(result.moe_out, torch.Tensor) and result.topk_ids.dtype == torch.int32
    assert (result.moe_out.numpy() == expected).all()
    array.flags.writeable = False  # arguments are only read
    assert (layer(array).moe_out == expected).all() and isinstance(layer(array)[0], np.ndarray)
    out = [torch.zeros_like(tensor) for tensor in result]
    addresses = [tensor.data_ptr() for tensor in out]
    again = layer(x, out=out)
    assert (out[0].numpy() == expected).all()
    assert [tensor.data_ptr() for tensor in again] == addresses
    kept = moec.load(artifact)["layers.0.moe"]  # keeps its module
    same = []
    threads = [threading.Thread(target=lambda: same.append(
        all((kept(x).moe_out.numpy() == expected).all() for _ in range(200)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 4
    print("called")

    wide = torch.randn(5, 96)
    for wrong in (lambda: layer(x.double()), lambda: layer(wide[:, :47].contiguous()),
                  lambda: layer(wide[:, ::2]), lambda: layer(3), lambda: layer(x, x),
                  lambda: layer(x, out=out[:1]), lambda: module["no"],
                  lambda: moec.load("no.moe"), lambda: moec.load("x.npy"),
                  lambda: moec.load(artifact, level="x86-64-v9")):
        refused(wrong)

    check_session(moec.load("model.moe"))

    operator = torch.ops.moec.call
    checks = torch.library.opcheck(operator.default, ([x], artifact, "layers.0.moe"))
    print("opcheck", *checks.values())

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = moec.pytorch.Layer(artifact, "layers.0.moe")

        def forward(self, x):
            return 1 + self.layer(2 * x.T.contiguous().T)[0]

    network = Model().eval()
    more = torch.randn(9, 48)
    wanted = network(x), network(more)
    assert torch.equal(wanted[0], 1 + layer(2 * x).moe_out)
    # Which kernels Inductor makes of the rest is not what is tested: no C++ compiler.
    compiled = torch.compile(network, fullgraph=True, dynamic=True, backend="aot_eager")
    assert torch.equal(compiled(x), wanted[0]) and torch.equal(compiled(more), wanted[1])
    print("compile")
    exported = torch.export.export(network, (x,), dynamic_shapes=({0: torch.export.Dim("T")},))
    torch.export.save(exported, "network.pt2")
    again = torch.export.load("network.pt2").module()
    assert torch.equal(again(x), wanted[0]) and torch.equal(again(more), wanted[1])
    print("export")
    with torch._subclasses.FakeTensorMode() as mode:
        refused(lambda: operator([mode.from_tensor(x).double()], artifact, "layers.0.moe"))


main()
