// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same module compiled for CPUs and for GPUs gives the same numbers, where
// kernels run as C++ on this machine. Modules are the examples of systems.

#include "../cpu/Harness.h"
#include "Emulator.h"
#include "codegen/cuda/Pipeline.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipelines.h"
#include <cmath>

using namespace moec;
using namespace moec::cuda::test;
using moec::cpu::test::Call;
using moec::cpu::test::Library;

namespace {
/// Bytes of a tensor's elements.
struct Bytes {
  std::vector<uint8_t> data;
  std::vector<int64_t> shape;
  int32_t dtype;
};

int64_t sizeOf(int32_t dtype) {
  switch (dtype) {
  case MOEC_DTYPE_F16:
  case MOEC_DTYPE_BF16:
    return 2;
  case MOEC_DTYPE_I8:
  case MOEC_DTYPE_U8:
  case MOEC_DTYPE_BOOL:
    return 1;
  case MOEC_DTYPE_I64:
  case MOEC_DTYPE_F64:
    return 8;
  default:
    return 4;
  }
}

class Random {
public:
  explicit Random(uint32_t seed) : state(seed) {}
  uint32_t next() {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
  }
  float number() { return next() / 8388608.0f - 1.0f; }

  void fill(Bytes &bytes) {
    int64_t count = 1;
    for (int64_t size : bytes.shape)
      count *= size;
    bytes.data.assign(count * sizeOf(bytes.dtype), 0);
    for (int64_t i = 0; i < count; ++i)
      write(bytes, i);
  }

private:
  void write(Bytes &bytes, int64_t i) {
    uint8_t *at = bytes.data.data() + i * sizeOf(bytes.dtype);
    float value = number();
    if (bytes.dtype == MOEC_DTYPE_F32) {
      std::memcpy(at, &value, 4);
    } else if (bytes.dtype == MOEC_DTYPE_F64) {
      double wide = value;
      std::memcpy(at, &wide, 8);
    } else if (bytes.dtype == MOEC_DTYPE_BF16) {
      std::memcpy(at, reinterpret_cast<uint8_t *>(&value) + 2, 2);
    } else if (bytes.dtype == MOEC_DTYPE_F16) {
      _Float16 half = value;
      std::memcpy(at, &half, 2);
    } else {
      // Ids and flags.
      *at = next() % (bytes.dtype == MOEC_DTYPE_BOOL ? 2 : 4);
    }
  }
  uint32_t state;
};

/// A compiled function and what it is called with.
class Case {
public:
  explicit Case(const std::string &path, uint32_t seed) : random(seed) {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    cpu::registerCpuDialects(registry);
    cuda::registerCudaDialects(registry);
    context.appendDialectRegistry(registry);
    context.disableMultithreading();
    context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diag) {
      messages += diag.str() + "\n";
      return mlir::success();
    });
    module = mlir::parseSourceFile<mlir::ModuleOp>(path, &context);
    EXPECT_TRUE(module) << messages;
  }

  mlir::OwningOpRef<mlir::ModuleOp> lower(bool isCuda) {
    mlir::OwningOpRef<mlir::ModuleOp> copy = module->clone();
    mlir::PassManager manager(&context);
    PipelineOptions options;
    if (isCuda)
      for (llvm::StringRef name : cuda::getCpuOnlyPasses())
        options.disabled.push_back(name.str());
    else
      options.disabled = {"moe-encode-weights", "moe-select-strategy"};
    buildMoeToGroupedPipeline(manager, options);
    EXPECT_TRUE(succeeded(manager.run(*copy))) << messages;
    return copy;
  }

  mlir::FailureOr<cpu::CpuModule> compileCpu() {
    cpu::CpuCompileOptions options;
    options.levels = {"x86-64-v3"};
    return compileCpuModule(*lower(false), options);
  }
  mlir::FailureOr<cuda::CudaModule> compileCuda() {
    cuda::CudaCompileOptions options;
    options.architectures = {"sm_80"};
    options.verifyEach = true;
    return compileCudaModule(*lower(true), options);
  }

  /// Inputs of `function` where each dynamic size is `size`.
  void makeInputs(const cpu::FunctionSignature &function, int64_t size) {
    symbols.clear();
    inputs.clear();
    for (const cpu::TensorSignature &tensor : function.arguments) {
      inputs.push_back(makeTensor(tensor, size));
      random.fill(inputs.back());
    }
    for (const std::string &name : function.parameters) {
      if (parameters.count(name))
        continue;
      auto global = mlir::cast<mlir::ml_program::GlobalOp>(
          mlir::SymbolTable::lookupSymbolIn(*module, name));
      auto type = mlir::cast<mlir::RankedTensorType>(global.getType());
      Bytes &bytes = parameters[name];
      bytes.shape.assign(type.getShape().begin(), type.getShape().end());
      bytes.dtype = *cpu::getDtype(type.getElementType());
      random.fill(bytes);
    }
  }

  /// Calls the code with `services` set up by the caller.
  std::vector<Bytes> run(Library &library,
                         const cpu::FunctionSignature &function, Call &call) {
    for (Bytes &bytes : inputs)
      call.addArgument(bytes.data, bytes.shape, bytes.dtype);
    std::vector<Bytes> results;
    for (const cpu::TensorSignature &tensor : function.results)
      results.push_back(makeTensor(tensor, 0));
    for (Bytes &bytes : results) {
      int64_t count = 1;
      for (int64_t size : bytes.shape)
        count *= size;
      bytes.data.assign(count * sizeOf(bytes.dtype), 0xff);
      call.addResult(bytes.data, bytes.shape, bytes.dtype);
    }
    for (const std::string &name : function.parameters)
      call.addParameter(parameters[name].data.data());
    std::string entry = function.entry;
    EXPECT_EQ(call.run(library, llvm::StringRef(entry).drop_front(8).str()), 0);
    return results;
  }

  std::string messages;

private:
  Bytes makeTensor(const cpu::TensorSignature &tensor, int64_t size) {
    Bytes bytes;
    bytes.dtype = tensor.dtype;
    for (const cpu::Dimension &dim : tensor.dims) {
      if (dim.symbol.empty()) {
        bytes.shape.push_back(dim.size);
        continue;
      }
      llvm::SmallVector<llvm::StringRef> factors;
      llvm::StringRef(dim.symbol).split(factors, '*');
      int64_t product = 1;
      for (llvm::StringRef factor : factors)
        product *= symbols.try_emplace(factor.str(), size).first->second;
      bytes.shape.push_back(product);
    }
    return bytes;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Random random;
  std::map<std::string, int64_t> symbols;
  std::vector<Bytes> inputs;
  std::map<std::string, Bytes> parameters;
};

void compare(const Bytes &expected, const Bytes &found) {
  ASSERT_EQ(expected.shape, found.shape);
  if (expected.dtype != MOEC_DTYPE_F32) {
    EXPECT_EQ(expected.data, found.data);
    return;
  }
  // Sums of at most some hundred products in another order, of numbers that may
  // be larger than what is left of them.
  float largest = 1;
  for (size_t at = 0; at < expected.data.size(); at += 4) {
    float want;
    std::memcpy(&want, &expected.data[at], 4);
    if (std::isfinite(want))
      largest = std::fmax(largest, std::fabs(want));
  }
  for (size_t at = 0; at < expected.data.size(); at += 4) {
    float want, got;
    std::memcpy(&want, &expected.data[at], 4);
    std::memcpy(&got, &found.data[at], 4);
    if (std::isnan(want) && std::isnan(got))
      continue;
    ASSERT_TRUE(want == got || std::fabs(want - got) <= 1e-4f * largest)
        << "element " << at / 4 << ": expected " << want << ", found " << got;
  }
}

class SystemTest : public ::testing::TestWithParam<const char *> {};

TEST_P(SystemTest, agreesWithCpu) {
  if (!Emulator::isAvailable())
    GTEST_SKIP() << "no clang++ to compile kernels with";
  Case system(std::string(MOEC_EXAMPLES) + "/" + GetParam() + ".mlir", 7);
  auto host = system.compileCpu();
  ASSERT_TRUE(succeeded(host)) << system.messages;
  auto device = system.compileCuda();
  ASSERT_TRUE(succeeded(device)) << system.messages;
  std::unique_ptr<Emulator> emulator = Emulator::create(device->code[0]);
  ASSERT_TRUE(emulator);
  Library cpuCode(host->code[0].elf), gpuCode(device->code[0].elf);
  for (size_t f = 0; f < host->functions.size(); ++f) {
    if (!host->functions[f].states.empty())
      continue;
    for (int64_t size : {0, 1, 7, 33}) {
      SCOPED_TRACE(host->functions[f].name + " of " + std::to_string(size));
      system.makeInputs(host->functions[f], size);
      Call onCpu(1), onGpu(4);
      onGpu.services.table.host = emulator.get();
      onGpu.services.table.parallel_for = nullptr;
      onGpu.services.table.launch = [](void *host, const moec_launch *launch) {
        static_cast<Emulator *>(host)->launch(*launch);
      };
      std::vector<Bytes> expected =
          system.run(cpuCode, host->functions[f], onCpu);
      std::vector<Bytes> found =
          system.run(gpuCode, device->functions[f], onGpu);
      for (auto [index, bytes] : llvm::enumerate(expected)) {
        SCOPED_TRACE(host->functions[f].results[index].name);
        compare(bytes, found[index]);
      }
    }
  }
}

std::vector<const char *> makeSystems();
INSTANTIATE_TEST_SUITE_P(Systems, SystemTest,
                         ::testing::ValuesIn(makeSystems()));

/// Those that use each operation and policy; MOEC_CUDA_SYSTEMS names others,
/// separated by commas.
std::vector<const char *> makeSystems() {
  if (const char *names = std::getenv("MOEC_CUDA_SYSTEMS")) {
    static std::vector<std::string> all;
    llvm::SmallVector<llvm::StringRef> parts;
    llvm::StringRef(names).split(parts, ',');
    for (llvm::StringRef part : parts)
      all.push_back(part.str());
    std::vector<const char *> result;
    for (std::string &name : all)
      result.push_back(name.c_str());
    return result;
  }
  return {"dynamic-top-p", "dit-moe", "tutel"};
}
} // namespace
