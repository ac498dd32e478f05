# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# One runner for everything: .mlir and .test files by FileCheck, GoogleTest
# programs through lit's own format (build/test/unittests).

import glob
import os
import shutil

import lit.formats

config.name = "moec"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "fixtures", "lib"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.build_dir, "test")

config.environment["PATH"] = os.pathsep.join(
    [config.bin_dir, config.llvm_tools_dir, os.environ["PATH"]]
)
config.environment["MOEC_SHARED"] = os.environ.get("MOEC_SHARED", "")

# Tests name programs by these words only, never by a path of the build.
for tool in ["moe-opt", "moe-run", "moe-bench", "moe-inspect", "moec"]:
    config.substitutions.append(("%" + tool, os.path.join(config.bin_dir, tool)))
config.substitutions.append(("%python", config.python))
config.substitutions.append(("%lib_dir", os.path.join(config.build_dir, "lib")))
config.substitutions.append(("%build_dir", config.build_dir))
config.substitutions.append(("%install_lib", config.install_lib))
config.substitutions.append(("%source_dir", config.source_dir))
config.substitutions.append(("%fixtures", os.path.join(config.source_dir, "test", "fixtures")))

with open("/proc/cpuinfo") as info:
    flags = set(next((line for line in info if line.startswith("flags")), "").split())
if {"avx2", "fma", "f16c"} <= flags:
    config.available_features.add("x86-64-v3")
if {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512cd"} <= flags:
    config.available_features.add("x86-64-v4")
# NVIDIA's compilers, which need no GPU.
ptxas = shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")
if ptxas:
    config.available_features.add("cuda-toolkit")
    config.substitutions.append(("%ptxas_dir", os.path.dirname(os.path.realpath(ptxas))))
    config.substitutions.append(("%ptxas", ptxas))
if shutil.which("dpkg-shlibdeps"):
    config.available_features.add("dpkg")
# An environment with torch and transformers; without it those tests are told
# as unsupported.
transformers = os.path.join(config.build_dir, "venv-hf", "bin", "python")
if os.path.exists(transformers):
    config.available_features.add("transformers")
# What makes a wheel, and what names it by the systems that it runs on.
wheel_environment = os.path.join(config.build_dir, "venv-hf")
if glob.glob(os.path.join(wheel_environment, "lib/python3*/site-packages/scikit_build_core")) \
        and os.path.exists(os.path.join(wheel_environment, "bin", "auditwheel")):
    config.available_features.add("wheel-builder")
path = os.path.join(wheel_environment, "bin") + os.pathsep + os.environ["PATH"]
config.substitutions.append(("%auditwheel", f"env PATH={path} auditwheel"))
# torch's wheel finds its libraries only when they are beside the system's.
wheels = glob.glob(os.path.join(config.build_dir, "venv-hf/lib/python3*/site-packages/nvidia/*/lib"))
libraries = os.pathsep.join(["/usr/local/cuda/lib64", *wheels])
config.substitutions.append(("%transformers_python", f"env LD_LIBRARY_PATH={libraries} {transformers}"))
# An environment that integrations/setup_embed.sh makes.
embed = os.path.join(config.build_dir, "venv-embed")
config.substitutions.append(("%embed_python", os.path.join(embed, "bin", "python3")))
if glob.glob(os.path.join(embed, "lib/python3*/site-packages/tvm_ffi")):
    config.available_features.add("tvm-ffi")
if glob.glob(os.path.join(embed, "lib/python3*/site-packages/jax")):
    config.available_features.add("jax")
if glob.glob(os.path.join(wheel_environment, "lib/python3*/site-packages/tvm_ffi")):
    config.available_features.add("tvm-ffi-torch")
# Engines that integrations/setup_engines.sh installs.
engines = os.path.join(config.build_dir, "bench")
config.substitutions.append(("%engines_python", os.path.join(engines, "venv", "bin", "python3")))
if os.path.exists(os.path.join(engines, "ggml", "src", "libggml-cpu.a")):
    config.available_features.add("ggml")
if glob.glob(os.path.join(engines, "venv/lib/python3*/site-packages/onnxruntime")):
    config.available_features.add("onnxruntime")
if glob.glob(os.path.join(engines, "venv/lib/python3*/site-packages/onnxruntime_extensions")):
    config.available_features.add("onnxruntime-extensions")
if glob.glob(os.path.join(engines, "venv/lib/python3*/site-packages/transformers")):
    config.available_features.add("bench-transformers")  # of bench/peers/setup.sh
if glob.glob(os.path.join(engines, "venv/lib/python3*/site-packages/triton/backends/nvidia/bin")):
    config.available_features.add("triton")  # of bench/cuda/setup.sh
config.substitutions.append(("%ort_include", os.environ.get("ORT_INCLUDE_DIR", "")))
if os.environ.get("ORT_INCLUDE_DIR"):
    config.available_features.add("onnxruntime-headers")
if os.environ.get("MOEC_SHARED"):
    config.available_features.add("shared")
