# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of ONNX graphs share: functions in numpy, and running a model by
compiled code and by the reference interpreter."""

import subprocess

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = {"relu": lambda x: np.maximum(x, 0), "gelu": gelu_tanh,
               "silu": lambda x: x * sigmoid(x), "identity": lambda x: x,
               "relu2": lambda x: np.maximum(x, 0) ** 2}


class Tools:
    def __init__(self, moec, run, directory):
        self.moec, self.run, self.directory = moec, run, directory

    def outputs(self, name, data, inputs, outputs):
        """What the model gives, by way (compiled, interpreted) and output."""
        path = self.directory / f"{name}.onnx"
        path.write_bytes(data)
        artifact = self.directory / f"{name}.moe"
        subprocess.run([self.moec, path, "-o", artifact], check=True)
        command = [self.run, artifact, "--function=main"]
        for key, array in inputs.items():
            np.save(self.directory / f"{key}.npy", array)
            command.append(f"--input={key}={self.directory / key}.npy")
        for mode in ([], ["--reference"]):
            for key in outputs:
                out = self.directory / "out.npy"
                subprocess.run([*command, f"--outputs={key}", f"--output={out}", *mode], check=True)
                yield mode, key, np.load(out)

    def check(self, name, data, inputs, outputs, expected, tolerance):
        for mode, key, found in self.outputs(name, data, inputs, outputs):
            wanted = np.asarray(expected[outputs.index(key)])
            assert found.shape == wanted.shape, (name, key, found.shape, wanted.shape)
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance,
                                       err_msg=f"{name} {key} {mode}")
        print(f"{name} agrees", flush=True)


def expert_rows(x, e, parts, a):
    """Expert e of one token, in double precision; parts: fc1, b1, fc2, b2, fc3, b3."""
    fc1, b1, fc2, b2, fc3, b3 = parts
    h = fc1[e] @ x + (b1[e] if b1 is not None else 0)
    third = fc3[e] @ x + (b3[e] if b3 is not None else 0) if fc3 is not None else None
    if a["activation_type"] in ("swiglu", "geglu"):
        half = len(h) // 2
        gate, up = {0: (h, third), 1: (h[0::2], h[1::2]),
                    2: (h[:half], h[half:])}[a.get("swiglu_fusion", 0)]
    if a["activation_type"] == "swiglu":
        limit = a.get("swiglu_limit", np.inf)
        after = a.get("swiglu_limit_after_activation", 0)
        gate, up = gate if after else np.minimum(gate, limit), np.clip(up, -limit, limit)
        h = gate * sigmoid(a.get("activation_alpha", 1.0) * gate)
        h = (np.minimum(h, limit) if after else h) * (up + a.get("activation_beta", 0.0))
    elif a["activation_type"] == "geglu":
        h = gelu_tanh(gate) * up
    else:
        h = ACTIVATIONS[a["activation_type"]](h) * (1 if third is None else third)
    return fc2[e] @ h + (b2[e] if b2 is not None else 0)


def mix(x, ids, weights, parts, a):
    """One loop over tokens and slots."""
    x = x.astype(np.float64)
    out = np.zeros((len(x), parts[2].shape[1]))
    for t, row in enumerate(x):
        for e, w in zip(ids[t], weights[t]):
            out[t] += w * expert_rows(row, e, parts, a)
    return out


def best(logits, k):
    return np.argsort(-logits, axis=-1, kind="stable")[:, :k]


def sparse_mixer(logits, jitter=0.01):
    """Two rounds: the best expert, weighed by a softmax over those that are near it."""
    ids, weights = [], []
    for row in logits.astype(np.float64):
        left = row.copy()
        chosen = []
        for _ in range(2):
            top = int(np.argmax(left))
            near = (left[top] - row) / np.maximum(np.abs(row), left[top]) <= 2 * jitter
            kept = np.where(near & np.isfinite(left), left, -np.inf)
            chosen.append((top, softmax(kept)[top]))
            left[top] = -np.inf
        ids.append([e for e, _ in chosen])
        weights.append([w for _, w in chosen])
    return np.array(ids), np.array(weights)
