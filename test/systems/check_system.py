# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""check_system.py NAME [--work=DIR] [--interpreter-only]

Checks examples/systems/NAME.mlir against test/systems/NAME.py, an independent
numpy implementation of the same equations. Parameters that the example leaves
random are drawn here and given to both. Each case runs as compiled code on 1 and
2 threads, which must agree bit for bit, and in the reference interpreter; both
must be within 1e-5 + 1e-5 * |expected| of numpy (f32 arithmetic in another
order), integers and truth values exactly.

NAME.py has:

  cases(rng)          yields inputs (name -> array), or (function, inputs)
  reference(inputs, params)   the outputs of @main, by name; for an example with
                      other functions FUNCTIONS = {function: reference, ...}
  parameter(name, shape, rng)  optional: the value of a parameter, None for the
                      normal distribution that the example names
  properties(run, rng)  optional: what the system promises; fails by assert

`run(inputs, params=None, function="main")` gives the outputs of compiled code.
`params` replaces parameters: mutable ones are set between calls, others mean
another compilation. `run.params` are the values drawn. `run.taps(inputs,
function="main")` gives what the function tapped, by name.

--interpreter-only runs everything in the interpreter: to write an example
before code generation can do it. No test uses it.
"""

import argparse
import importlib.util
import pathlib
import sys
import traceback

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "harness"))
import example  # noqa: E402
import runs  # noqa: E402

TOLERANCE = 1e-5


def load_reference(name):
    spec = importlib.util.spec_from_file_location("system", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def disagreement(expected, value):
    """What is wrong with `value`, or an empty text."""
    expected = np.asarray(expected)
    if expected.shape != value.shape:
        return f"shape {list(value.shape)}, expected {list(expected.shape)}"
    if expected.dtype.kind in "biu":
        bad = expected != value
    else:
        expected = expected.astype("f8")
        with np.errstate(invalid="ignore"):
            near = np.abs(expected - value) <= TOLERANCE * (1 + np.abs(expected))
        bad = ~(near | (expected == value) | (np.isnan(expected) & np.isnan(value)))
    if not bad.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    return (f"{int(bad.sum())} of {bad.size} elements differ, the first at {list(place)}: "
            f"{value[place]}, expected {expected[place]}")


def compare(expected, outputs, what):
    for name, value in expected.items():
        if name not in outputs:
            raise runs.Failure(f"{what}: there is no output '{name}', only {', '.join(outputs)}")
        if wrong := disagreement(value, outputs[name]):
            raise runs.Failure(f"{what}: {name}: {wrong}")


def check_cases(system, programs, params):
    functions = getattr(system, "FUNCTIONS", None) or {"main": system.reference}
    seen = set()
    count = 0
    for number, case in enumerate(system.cases(np.random.default_rng(1))):
        function, inputs = case if isinstance(case, tuple) else ("main", case)
        sizes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in inputs.items())
        place = f"case {number} of @{function} ({sizes})"
        expected = functions[function](inputs, params)
        unchecked = set(programs.example.results(function)) - set(expected)
        if unchecked:
            raise runs.Failure(f"{place}: the reference gives no {', '.join(sorted(unchecked))}")
        for what, outputs in programs.run_all(function, inputs):
            compare(expected, outputs, f"{place}, {what}")
        seen.add(function)
        count += 1
    if missing := set(functions) - seen:
        raise runs.Failure(f"no case runs @{', @'.join(sorted(missing))}")
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--work", default="/tmp/moec-systems")
    parser.add_argument("--interpreter-only", action="store_true")
    options = parser.parse_args()

    system = load_reference(options.name)
    source = example.Example(options.name)
    params = source.draw(np.random.default_rng(0), getattr(system, "parameter", None))
    kind = runs.Interpreted if options.interpreter_only else runs.Compiled
    try:
        programs = kind(source, params, pathlib.Path(options.work) / options.name)
        count = check_cases(system, programs, params)
        if hasattr(system, "properties"):
            system.properties(runs.Run(programs), np.random.default_rng(2))
    except runs.Failure as failure:
        sys.exit(f"{options.name}: {failure}")
    except AssertionError:
        traceback.print_exc()
        sys.exit(f"{options.name}: a property does not hold")
    where = "the interpreter" if options.interpreter_only else "compiled code and the interpreter"
    print(f"{options.name}: {count} cases agree in {where}"
          + (", properties hold" if hasattr(system, "properties") else ""))


if __name__ == "__main__":
    main()
