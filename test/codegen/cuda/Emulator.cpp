// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emulator.h"
#include "codegen/cuda/Source.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <dlfcn.h>

using namespace moec::cuda::test;

/// In place of the compiler's prelude and of CUDA's built-in names.
static constexpr const char *kBefore = R"cpp(
#include <barrier>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>
using Index = long long;
using I8 = signed char;
using I16 = short;
using U8 = unsigned char;
using U16 = unsigned short;
using U32 = unsigned;
using U64 = unsigned long long;
#define kInfinity INFINITY
#define kNan NAN
#define __global__
#define __shared__ static
#define __launch_bounds__(threads)
struct Bf16 {
  U16 bits;
  Bf16() = default;
  explicit Bf16(float value) {
    U32 word;
    std::memcpy(&word, &value, 4);
    bits = (word + 0x7fff + (word >> 16 & 1)) >> 16;
  }
  operator float() const {
    U32 word = U32(bits) << 16;
    float value;
    std::memcpy(&value, &word, 4);
    return value;
  }
};
using F16 = _Float16;
inline Index ceilDiv(Index a, Index b) { return (a + b - 1) / b; }
inline Index floorDiv(Index a, Index b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
template <typename T> T maximum(T a, T b) {
  return a != a || b != b ? NAN : std::fmax(a, b);
}
template <typename T> T minimum(T a, T b) {
  return a != a || b != b ? NAN : std::fmin(a, b);
}
template <typename T> T inverseSqrt(T a) { return 1 / std::sqrt(a); }
template <typename T> T min(T a, T b) { return a < b ? a : b; }
template <typename T> T max(T a, T b) { return a > b ? a : b; }
template <typename To, typename From> To bitCast(From from) {
  return __builtin_bit_cast(To, from);
}
struct Dim { unsigned x; };
static thread_local Dim blockIdx, threadIdx;
template <typename T, int kParts, int, int, int> struct TileShape {
  using Element = T;
  static constexpr int parts = kParts;
};
template <typename Shape, bool kGathers, int kDepth, int kColumns,
          typename Epilogue>
void multiplyTiles(const typename Shape::Element *lhs,
                   const typename Shape::Element *const (&weights)[Shape::parts],
                   int groups, int rows, const int *offsets, const int *tokens,
                   const int *slots, Epilogue epilogue) {
  if (blockIdx.x || threadIdx.x)
    return;
  for (int e = 0; e < groups; ++e)
    for (int r = offsets ? offsets[e] : 0; r < (offsets ? offsets[e + 1] : rows);
         ++r)
      for (int n = 0; n < kColumns; ++n) {
        const int token = offsets ? tokens[r] : r, slot = offsets ? slots[r] : 0;
        float sums[Shape::parts] = {};
        for (int p = 0; p < Shape::parts; ++p)
          for (Index k = 0; k < kDepth; ++k)
            sums[p] = fmaf(
                float(lhs[(kGathers ? token : r) * Index(kDepth) + k]),
                float(weights[p][(Index(e) * kColumns + n) * kDepth + k]),
                sums[p]);
        if constexpr (Shape::parts == 1)
          epilogue(e, r, token, slot, n, sums[0]);
        else
          epilogue(e, r, token, slot, n, sums[0], sums[1]);
      }
}
static std::barrier<> *meeting;
static void __syncthreads() { meeting->arrive_and_wait(); }
)cpp";

static constexpr const char *kAfter = R"cpp(
template <typename... T, size_t... I>
static void call(void (*kernel)(T...), const void *const *arguments,
                 std::index_sequence<I...>) {
  kernel(*static_cast<std::decay_t<T> *>(const_cast<void *>(arguments[I]))...);
}
template <typename... T>
static void run(void (*kernel)(T...), unsigned blocks, unsigned threads,
                bool meets, const void *const *arguments) {
  auto one = [&](unsigned block, unsigned thread) {
    blockIdx.x = block;
    threadIdx.x = thread;
    call(kernel, arguments, std::index_sequence_for<T...>());
  };
  for (unsigned block = 0; block < blocks; ++block) {
    if (!meets) {
      for (unsigned thread = 0; thread < threads; ++thread)
        one(block, thread);
      continue;
    }
    std::barrier<> here(threads);
    meeting = &here;
    std::vector<std::thread> all;
    for (unsigned thread = 0; thread < threads; ++thread)
      all.emplace_back(one, block, thread);
    for (std::thread &thread : all)
      thread.join();
  }
}
)cpp";

static std::string findCompiler() {
  for (const char *name : {"clang++-22", "clang++"})
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return "";
}

bool Emulator::isAvailable() { return !findCompiler().empty(); }

std::unique_ptr<Emulator> Emulator::create(const CudaCode &code) {
  EXPECT_TRUE(llvm::StringRef(code.source).starts_with(getPrelude()));
  llvm::StringRef kernels = llvm::StringRef(code.source);
  kernels.consume_front(getPrelude());
  kernels.consume_front(getMatmulTiles());
  std::string body = kernels.str();
  std::string text = kBefore + body + kAfter;
  text += "extern \"C\" void launch(unsigned kernel, unsigned blocks, unsigned "
          "threads, const void *const *arguments) {\n  switch (kernel) {\n";
  for (auto [index, name] : llvm::enumerate(code.kernels)) {
    llvm::StringRef rest =
        llvm::StringRef(body).split("\n" + name + "(").second;
    bool meets = rest.split("extern \"C\"").first.contains("__syncthreads");
    text += "  case " + std::to_string(index) + ":\n    return run(" + name +
            ", blocks, threads, " + (meets ? "true" : "false") +
            ", arguments);\n";
  }
  text += "  }\n}\n";

  llvm::SmallString<64> source, object;
  int file;
  if (llvm::sys::fs::createTemporaryFile("moec-kernels", "cpp", file, source) ||
      llvm::sys::fs::createTemporaryFile("moec-kernels", "so", object)) {
    ADD_FAILURE() << "no temporary file";
    return nullptr;
  }
  llvm::raw_fd_ostream(file, /*shouldClose=*/true) << text;
  std::string compiler = findCompiler(), error;
  int status = llvm::sys::ExecuteAndWait(
      compiler,
      {compiler, "-std=c++20", "-O1", "-w", "-shared", "-fPIC",
       "-ffp-contract=off", "-o", object, source},
      std::nullopt, {}, 0, 0, &error);
  auto emulator = std::make_unique<Emulator>();
  if (status == 0)
    emulator->library = dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
  llvm::sys::fs::remove(object);
  if (!emulator->library) {
    ADD_FAILURE() << "the kernels in " << source.c_str()
                  << " are no C++: " << error;
    return nullptr;
  }
  llvm::sys::fs::remove(source);
  return emulator;
}

Emulator::~Emulator() {
  if (library)
    dlclose(library);
}

void Emulator::launch(const moec_launch &launch) {
  using Function = void (*)(unsigned, unsigned, unsigned, const void *const *);
  ++launches;
  EXPECT_EQ(launch.grid[1], 1u);
  EXPECT_EQ(launch.grid[2], 1u);
  EXPECT_EQ(launch.block[1], 1u);
  EXPECT_EQ(launch.block[2], 1u);
  EXPECT_EQ(launch.reserved, 0u);
  reinterpret_cast<Function>(dlsym(library, "launch"))(
      launch.kernel, launch.grid[0], launch.block[0], launch.arguments);
}
