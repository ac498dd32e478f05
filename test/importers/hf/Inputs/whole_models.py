# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""whole_models.py MOEC CHECKPOINT WORK: exit codes and messages of compiling the whole
model with other fields in its config.json."""
import json
import pathlib
import shutil
import subprocess
import sys

MIXED = ["full_attention", "linear_attention"]
LONG = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4,
        "long_factor": [2.0] * 4, "original_max_position_embeddings": 64}
CASES = {
    "default": {},
    "dynamic": {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}},
    "shrinking": {"rope_parameters": {"rope_type": "dynamic", "factor": 0.5}},
    "no length": {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0},
                  "max_position_embeddings": 0.5},
    "longrope": {"rope_parameters": LONG},
    "few factors": {"rope_parameters": {**LONG, "long_factor": [2.0] * 3}},
    "magnitudes": {"rope_parameters": {**LONG, "short_mscale": 1.0, "long_mscale": 1.2}},
    "mixed": {"layer_types": MIXED},
    "hybrid": {"layer_types": MIXED, "model_type": "qwen3_next"},
    "hybrid by blocks": {"layer_types": [], "model_type": "qwen3_next",
                         "layers_block_type": ["moe", "mamba"]},
    "hybrid by letters": {"layer_types": [], "model_type": "qwen3_next",
                          "hybrid_override_pattern": "*M"},
    "hybrid by period": {"layer_types": [], "model_type": "qwen3_next", "attn_layer_period": 2,
                         "attn_layer_offset": 1},
}

moec, checkpoint, work = sys.argv[1:]
config = json.loads((pathlib.Path(checkpoint) / "config.json").read_text())
for name, fields in CASES.items():
    folder = pathlib.Path(work) / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(checkpoint, folder)
    (folder / "config.json").write_text(json.dumps({**config, **fields}))
    run = subprocess.run([moec, folder, "-o", folder / "model.moe", "--scope=model",
                          "--emit=mlir"], capture_output=True, text=True)
    print(f"{name}: {run.returncode}")
    print(run.stderr, end="")
