# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare.py PREFIX MOE-RUN FUNCTIONS ARTIFACT...: runs the functions (comma
separated) on random tokens and compares each artifact's machine code with the reference interpreter."""

import subprocess
import sys

import numpy

prefix, moe_run, functions, *artifacts = sys.argv[1:]


def run(artifact, function, *extra):
    output = f"{prefix}.y.npy"
    subprocess.run([moe_run, artifact, f"--function={function}",
                    f"--input=x={prefix}.x.npy", f"--output={output}", *extra],
                   check=True)
    return numpy.load(output)


for function in functions.split(","):
    for tokens in [0, 1, 77]:
        random = numpy.random.default_rng(tokens)
        x = random.standard_normal((tokens, 24)).astype("f4")
        numpy.save(f"{prefix}.x.npy", x)
        expected = run(artifacts[0], function, "--reference")
        for artifact in artifacts:
            found = run(artifact, function)
            assert found.shape == expected.shape, (found.shape, expected.shape)
            error = numpy.abs(found - expected).max(initial=0)
            assert error < 1e-4, f"{artifact}: {function} {tokens} tokens: {error}"
        print(f"{function} {tokens} tokens: equal")
