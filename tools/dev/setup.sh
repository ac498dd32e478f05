# Sourced by check.sh and demo.sh: installs what is missing and says so.

llvm=/usr/lib/llvm-22

build_packages=(cmake ninja-build clang-22 lld-22 libmlir-22-dev mlir-22-tools
  llvm-22-dev llvm-22-tools liblld-22-dev flatbuffers-compiler
  libflatbuffers-dev nlohmann-json3-dev libpcre2-dev libutf8proc-dev libxxhash-dev
  pkg-config zlib1g-dev libzstd-dev
  python3 python3-venv)
test_packages=(git clang-format-22 libclang-rt-22-dev libgtest-dev
  libomp-22-dev libopenblas-dev)

# install_packages NAME...: the Debian packages that are not there yet.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
      grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  echo "installing Debian packages: ${missing[*]}"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends "${missing[@]}" >/dev/null
}

# make_venv DIR PACKAGE...: a Python environment with these PyPI packages.
make_venv() {
  local dir=$1
  shift
  if ! "$dir/bin/python3" -c 'import numpy' 2>/dev/null; then
    echo "making the Python environment $dir with: $*"
    /usr/bin/python3 -m venv "$dir"
    "$dir/bin/pip" install -q --disable-pip-version-check "$@"
  fi
}
