# Sourced by scripts that need ggml: its sources (of the PyPI package
# llama-cpp-python) and a build of it in $bench, by the Python of $venv.
if [ ! -d "$bench/llama.cpp" ]; then
  # pip asks the package's build system for its name, which fetches much more
  # where it may install that by itself.
  "$venv/bin/python3" -m pip install -q --disable-pip-version-check \
    scikit-build-core
  "$venv/bin/python3" -m pip download -q --disable-pip-version-check --no-deps \
    --no-build-isolation --no-binary :all: -d "$bench" llama-cpp-python ||
    echo "ggml is left out: PyPI does not give llama-cpp-python"
  for archive in "$bench"/llama_cpp_python-*.tar.gz; do
    [ -f "$archive" ] || continue
    tar xzf "$archive" -C "$bench"
    mv "${archive%.tar.gz}/vendor/llama.cpp" "$bench/llama.cpp"
  done
fi
if [ -d "$bench/llama.cpp" ]; then
  # The package lacks this one file, which only `cmake --install` reads.
  touch "$bench/llama.cpp/ggml/ggml.pc.in"
  cmake -S "$bench/llama.cpp/ggml" -B "$bench/ggml" -G Ninja \
    -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=ON \
    -DGGML_BUILD_EXAMPLES=OFF -DGGML_BUILD_TESTS=OFF >/dev/null
  ninja -C "$bench/ggml" >/dev/null
fi
