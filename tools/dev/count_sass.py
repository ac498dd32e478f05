# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts machine instructions in the inner loops of products by tensor cores.

    moec layer.json --target=cuda:sm_80 --compute=bf16 --emit=cubin -o layer.cubin
    count_sass.py NVDISASM layer.cubin

nvdisasm comes with CUDA's toolkit or the package nvidia-cuda-nvdisasm. For each
kernel: instructions of the loop, tensor-core instructions among them, and the
former by 4096 of a warp's operations (m16n8k16 counts as one, the m16n8k8 of tf32 as
a half, a wgmma of m64nNk16 as a quarter of its operations, since four warps issue it
together). NOPs, which sm_120 needs, are among them. Exits with 1
where a kernel reads or writes local memory, or none uses tensor cores.
"""

import collections
import re
import subprocess
import sys


def instructions(text):
    """(opcode with modifiers, label it jumps to or None, labels before it) in order."""
    labels = []
    for line in text.splitlines():
        if label := re.match(r"\s*(\.L_x_\d+):", line):
            labels.append(label.group(1))
        elif found := re.match(r"\s+/\*[0-9a-f]{4,6}\*/\s+(?:@!?U?P\w+\s+)?(\S+)(.*);", line):
            jump = re.search(r"`\((\.L_x_\d+)\)", found.group(2))
            is_jump = found.group(1).startswith("BRA") and jump
            yield found.group(1), jump.group(1) if is_jump else None, labels
            labels = []


def products(op):
    """Tensor-core operations of one instruction of a warp, in units of 4096."""
    if wide := re.match(r"HGMMA\.64x(\d+)x16\b", op):
        return int(wide.group(1)) / 8
    return (0.5 if "HMMA.1688" in op else 1) if op.startswith("HMMA") else 0


def inner_loop(code):
    """The shortest run of instructions that ends with a jump to its start and multiplies."""
    starts = {label: at for at, (_, _, labels) in enumerate(code) for label in labels}
    loops = [
        code[starts[jump] : at + 1]
        for at, (_, jump, _) in enumerate(code)
        if jump in starts and starts[jump] <= at
    ]
    loops = [loop for loop in loops if any(products(op) for op, _, _ in loop)]
    return min(loops, key=len, default=None)


def main():
    nvdisasm, cubin = sys.argv[1:]
    text = subprocess.run([nvdisasm, "-c", cubin], capture_output=True, text=True, check=True)
    is_any, is_wrong = False, False
    for section in re.split(r"\n\s*\.section\s+\.text\.", text.stdout)[1:]:
        name = re.match(r"\w+", section).group(0)
        code = list(instructions(section))
        local = [op for op, _, _ in code if re.match(r"(LDL|STL)\b", op)]
        if local:
            print(f"{name}: {len(local)} accesses of local memory")
            is_wrong = True
        loop = inner_loop(code)
        if not loop:
            continue
        is_any = True
        ops = collections.Counter(op.split(".")[0] for op, _, _ in loop)
        issued = sum(products(op) for op, _, _ in loop)
        most = ", ".join(f"{op} {count}" for op, count in ops.most_common(8))
        print(f"{name}: {len(loop)} for {issued:g}, {len(loop) / issued:.2f} ({most})")
    return 0 if is_any and not is_wrong else 1


if __name__ == "__main__":
    sys.exit(main())
