# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""layers.py MOEC MOE-RUN WORK_DIR

A layer of each architecture, with what it has in code or in its metadata, against
numpy in double precision; and experts of each block type.
"""

import os
import subprocess
import sys

import numpy as np

SOURCE = os.path.join(os.path.dirname(__file__), "..", "..")
sys.path += [os.path.join(SOURCE, "e2e"), os.path.join(SOURCE, "weights", "Inputs")]

from compare import load  # noqa: E402
from gguf_writer import write  # noqa: E402
from quantized import gguf  # noqa: E402

H, E, I, K, T = 32, 8, 24, 2, 9
rng = np.random.default_rng(3)


def normal(*shape, size=0.3):
    return (size * rng.standard_normal(shape)).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def silu(x):
    return x * sigmoid(x)


def relu(x):
    return np.maximum(x, 0)


def layer(arch, experts=E, hidden=H, size=I, used=K, **keys):
    """Keys and tensors that every architecture has."""
    keys = {"block_count": 1, "embedding_length": hidden, "expert_count": experts,
            "expert_used_count": used, "expert_feed_forward_length": size} | keys
    keys = {f"{arch}.{key}": value for key, value in keys.items() if value is not None}
    tensors = {
        "ffn_gate_inp.weight": normal(experts, hidden),
        "ffn_gate_exps.weight": normal(experts, size, hidden),
        "ffn_up_exps.weight": normal(experts, size, hidden),
        "ffn_down_exps.weight": normal(experts, hidden, size),
    }
    return {"general.architecture": arch} | keys, tensors


def add_shared(tensors, size):
    tensors["ffn_gate_shexp.weight"] = normal(size, H)
    tensors["ffn_up_shexp.weight"] = normal(size, H)
    tensors["ffn_down_shexp.weight"] = normal(H, size)


def glu(x, gate, up, down, body=lambda g, u: silu(g) * u):
    return body(x @ gate.T, x @ up.T) @ down.T


def shared(x, t):
    return glu(x, t["ffn_gate_shexp.weight"], t["ffn_up_shexp.weight"], t["ffn_down_shexp.weight"])


def best(scores, count=K):
    return np.argsort(-scores, -1, kind="stable")[:, :count]


def take(scores, ids):
    return np.take_along_axis(scores, ids, -1)


def normalize(weights):
    return weights / np.maximum(weights.sum(-1, keepdims=True), 6.103515625e-5)


def mix(x, ids, weights, expert, inside=False):
    """The sum of the experts' rows; `expert` takes rows and a number."""
    out = np.zeros(x.shape)
    for row in range(len(x)):
        for e, w in zip(ids[row], weights[row]):
            out[row] += expert(w * x[row], e) if inside else w * expert(x[row], e)
    return out


def plain(t, body=lambda g, u: silu(g) * u):
    return lambda x, e: glu(x, t["ffn_gate_exps.weight"][e], t["ffn_up_exps.weight"][e],
                            t["ffn_down_exps.weight"][e], body)


def llama(x):
    keys, t = layer("llama", expert_feed_forward_length=None, feed_forward_length=I)
    p = softmax(x @ t["ffn_gate_inp.weight"].T)
    ids = best(p)
    wanted = mix(x, ids, normalize(take(p, ids)), plain(t))
    # One tensor for each expert, as old files have it.
    for name in ("gate", "up", "down"):
        for e, part in enumerate(t.pop(f"ffn_{name}_exps.weight")):
            t[f"ffn_{name}.{e}.weight"] = part
    return keys, t, wanted


def qwen2moe(x):
    keys, t = layer("qwen2moe", expert_feed_forward_length=None, feed_forward_length=K * I,
                    expert_shared_feed_forward_length=40)
    add_shared(t, 40)
    t["ffn_gate_inp_shexp.weight"] = normal(H)
    p = softmax(x @ t["ffn_gate_inp.weight"].T)
    ids = best(p)
    gate = sigmoid(x @ t["ffn_gate_inp_shexp.weight"])[:, None]
    return keys, t, mix(x, ids, take(p, ids), plain(t)) + gate * shared(x, t)


def qwen3moe(x):
    """One tensor of gates and ups, and keys that differ from the architecture."""
    keys, t = layer("qwen3moe", expert_weights_norm=False, expert_weights_scale=2.5)
    p = softmax(x @ t["ffn_gate_inp.weight"].T)
    ids = best(p)
    wanted = mix(x, ids, 2.5 * take(p, ids), plain(t))
    t["ffn_gate_up_exps.weight"] = np.concatenate(
        [t.pop("ffn_gate_exps.weight"), t.pop("ffn_up_exps.weight")], 1)
    return keys, t, wanted


def deepseek2(x):
    keys, t = layer("deepseek2", expert_gating_func=2, expert_weights_norm=True,
                    expert_weights_scale=1.5, expert_shared_count=2, expert_group_count=4,
                    expert_group_used_count=2)
    add_shared(t, 2 * I)
    t["exp_probs_b.bias"] = normal(E)
    p = sigmoid(x @ t["ffn_gate_inp.weight"].T)
    biased = p + t["exp_probs_b.bias"]
    groups = np.sort(biased.reshape(T, 4, 2), -1).sum(-1)
    kept = np.zeros((T, 4), bool)
    np.put_along_axis(kept, best(groups, 2), True, -1)
    ids = best(np.where(np.repeat(kept, 2, -1), biased, -np.inf))
    weights = 1.5 * normalize(take(p, ids))
    return keys, t, mix(x, ids, weights, plain(t)) + shared(x, t)


def gpt_oss(x):
    keys, t = layer("gpt-oss")
    t["ffn_gate_inp.bias"] = normal(E)
    t["ffn_gate_exps.bias"], t["ffn_up_exps.bias"] = normal(E, I), normal(E, I)
    t["ffn_down_exps.bias"] = normal(E, H)

    def expert(row, e):
        g = np.minimum(row @ t["ffn_gate_exps.weight"][e].T + t["ffn_gate_exps.bias"][e], 7)
        u = np.clip(row @ t["ffn_up_exps.weight"][e].T + t["ffn_up_exps.bias"][e], -7, 7)
        inner = (u + 1) * g * sigmoid(1.702 * g)
        return inner @ t["ffn_down_exps.weight"][e].T + t["ffn_down_exps.bias"][e]

    logits = x @ t["ffn_gate_inp.weight"].T + t["ffn_gate_inp.bias"]
    ids = best(logits)
    return keys, t, mix(x, ids, softmax(take(logits, ids)), expert)


def llama4(x):
    keys, t = layer("llama4")
    add_shared(t, I)
    logits = x @ t["ffn_gate_inp.weight"].T
    ids = best(logits)
    return keys, t, mix(x, ids, sigmoid(take(logits, ids)), plain(t), inside=True) + shared(x, t)


def nemotron(x):
    """Experts without gates in a narrower space, each with a scale."""
    latent = 16
    keys, t = layer("nemotron_h_moe", expert_latent_length=latent, expert_weights_norm=True)
    del t["ffn_gate_exps.weight"]
    t["ffn_up_exps.weight"], t["ffn_down_exps.weight"] = normal(E, I, latent), normal(E, latent, I)
    t["ffn_latent_down.weight"], t["ffn_latent_up.weight"] = normal(latent, H), normal(H, latent)
    t["ffn_down_exps.scale"] = 1 + normal(E)
    p = sigmoid(x @ t["ffn_gate_inp.weight"].T)
    ids = best(p)

    def expert(row, e):
        inner = relu(row @ t["ffn_up_exps.weight"][e].T) ** 2
        return inner @ t["ffn_down_exps.weight"][e].T * t["ffn_down_exps.scale"][e]

    rows = mix(x @ t["ffn_latent_down.weight"].T, ids, normalize(take(p, ids)), expert)
    return keys, t, rows @ t["ffn_latent_up.weight"].T


def step35(x):
    keys, t = layer("step35", swiglu_clamp_exp=[0.4])
    p = sigmoid(x @ t["ffn_gate_inp.weight"].T)
    ids = best(p)
    body = lambda g, u: np.minimum(silu(g), 0.4) * np.clip(u, -0.4, 0.4)
    return keys, t, mix(x, ids, normalize(take(p, ids)), plain(t, body))


def deepseek4(x):
    keys, t = layer("deepseek4", swiglu_clamp_exp=0.5)
    p = np.sqrt(np.log1p(np.exp(x @ t["ffn_gate_inp.weight"].T)))
    ids = best(p)
    body = lambda g, u: silu(np.minimum(g, 0.5)) * np.clip(u, -0.5, 0.5)
    return keys, t, mix(x, ids, normalize(take(p, ids)), plain(t, body))


def of_blocks(kind):
    """Two experts of 8, of 512 wide tokens; the stored bytes are random."""
    def case(x):
        keys, t = layer("llama", experts=2, hidden=512, size=8, used=1)
        for name in ("ffn_gate_exps.weight", "ffn_up_exps.weight"):
            blocks, values = gguf({"MXFP4": "ggml_mxfp4"}.get(kind, kind.lower()))
            # Such bytes are large numbers; the tokens are small.
            t[name] = values.reshape(2, 8, 512)
            t["stored " + name] = (kind, (2, 8, 512), blocks.tobytes())
        ids = best(x @ t["ffn_gate_inp.weight"].T, 1)
        wanted = mix(x, ids, np.ones((T, 1)), plain(t))
        for name in ("ffn_gate_exps.weight", "ffn_up_exps.weight"):
            t[name] = t.pop("stored " + name)
        return keys, t, wanted
    return case


def main():
    moec, moe_run, work = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    cases = {f.__name__: (f, normal(T, H, size=1.0)) for f in (
        llama, qwen2moe, qwen3moe, deepseek2, gpt_oss, llama4, nemotron, step35, deepseek4)}
    for kind in ("Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K", "MXFP4"):
        cases[kind] = (of_blocks(kind), normal(T, 512, size=0.01))
    for name, (case, x) in cases.items():
        keys, tensors, wanted = case(x.astype(np.float64))
        path = f"{work}/{name}"
        write(f"{path}.gguf", keys, {f"blk.0.{key}": value for key, value in tensors.items()})
        np.save(f"{path}.npy", x)
        subprocess.run([moec, f"{path}.gguf", "-o", f"{path}.moe", "--scope=moe"], check=True)
        for options in ([], ["--reference"]):
            subprocess.run([moe_run, f"{path}.moe", "--function=layers.0.moe",
                            f"--input=hidden_states={path}.npy", "--outputs=moe_out",
                            f"--output={path}.out.safetensors", *options],
                           check=True, stdout=subprocess.DEVNULL)
            got = load(f"{path}.out.safetensors")["layers.0.moe_out"]
            # f32 sums in another order, relative to the largest term.
            error = np.abs(got - wanted).max() / np.abs(wanted).max()
            if not error < 1e-5:
                sys.exit(f"{name} {options}: relative error {error}")
        print(f"{name} agrees")


if __name__ == "__main__":
    main()
