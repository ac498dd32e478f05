# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_description.py NAME WORK: examples/systems/NAME.json, with weights of the
system's NAME.py, gives what that reference gives."""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import check_system  # noqa: E402
import example  # noqa: E402
import runs  # noqa: E402


def main():
    name, work = sys.argv[1], pathlib.Path(sys.argv[2])
    system = check_system.load_reference(name)
    params = example.Example(name).draw(np.random.default_rng(0))
    description = json.loads((example.FOLDER / f"{name}.json").read_text())
    layer, = description["layers"]
    # Descriptions name [out, in] matrices, the examples multiply by [in, out].
    tensors = {key: np.swapaxes(value, -1, -2) for key, value in params.items()}
    layer["weights"] = {"tensors": {"file": "weights.safetensors",
                                    **{key.replace(".", "_"): key for key in tensors}}}
    work.mkdir(parents=True, exist_ok=True)
    runs.save(work / "weights.safetensors", tensors)
    (work / "description.json").write_text(json.dumps(description))
    runs.call("moec", work / "description.json", "-o", work / "layer.moe")
    for inputs in system.cases(np.random.default_rng(1)):
        x = inputs["x"]
        runs.save(work / "in.safetensors", {"x": x})
        for option in ("--threads=1", "--threads=2", "--reference"):
            runs.call("moe-run", work / "layer.moe", f"--function={layer['name']}.moe", option,
                      f"--input=hidden_states={work}/in.safetensors:x",
                      f"--output={work}/out.safetensors")
            out, = runs.load(work / "out.safetensors").values()
            if wrong := check_system.disagreement(system.reference(inputs, params)["y"], out):
                sys.exit(f"{name}.json, {len(x)} tokens, {option}: {wrong}")


if __name__ == "__main__":
    main()
