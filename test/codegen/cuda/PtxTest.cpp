// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers of checkpoints, compiled to PTX by NVIDIA's compiler and executed by
// the interpreter of PTX under the host code that was compiled for them, give
// the numbers that transformers gave. No GPU takes part.

#include "../cpu/Harness.h"
#include "codegen/cuda/Pipeline.h"
#include "codegen/cuda/toolchain/Toolchain.h"
#include "importers/Importer.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipelines.h"
#include "test/ptx/Interpreter.h"
#include "weights/ParameterStream.h"
#include <algorithm>
#include <cmath>

using namespace moec;

namespace {
/// A device, the code that runs on it, and the first error.
struct Simulation {
  ptx::Device device;
  std::unique_ptr<ptx::Module> module;
  std::vector<std::string> kernels;
  ptx::Options options;
  std::string error;
  unsigned launches = 0;

  void keep(const std::string &what) {
    if (error.empty())
      error = what;
  }

  /// As the service `launch` of a host.
  void launch(const moec_launch &launch) {
    ++launches;
    if (!error.empty() || !launch.grid[0])
      return;
    const std::string &kernel = kernels.at(launch.kernel);
    if (module->parameterBytes(kernel).size() != launch.num_arguments)
      return keep(kernel + ": got " + std::to_string(launch.num_arguments) +
                  " arguments");
    keep(ptx::launch(device, *module, kernel,
                     {launch.grid[0], launch.grid[1], launch.grid[2]},
                     {launch.block[0], launch.block[1], launch.block[2]},
                     launch.shared_bytes,
                     {launch.arguments, launch.num_arguments}, options)
             .error);
  }
};

/// Whether there is a compiler for CUDA on this machine.
bool hasToolkit() {
  auto code = cuda::compileCuda("", "sm_80", cuda::CudaForm::Ptx);
  if (code)
    return true;
  std::string text = llvm::toString(code.takeError());
  EXPECT_EQ(text.rfind("no compiler for CUDA", 0), 0u) << text;
  return false;
}

struct Layer {
  const char *fixture;
  /// Experts compute in bf16.
  bool bf16 = false;
};

class PtxTest : public ::testing::TestWithParam<Layer> {
protected:
  PtxTest() : files(directory()) {}

  static std::string directory() {
    return std::string(MOEC_FIXTURES) + "/" + GetParam().fixture;
  }

  void SetUp() override {
    if (!hasToolkit())
      GTEST_SKIP() << "neither NVRTC nor nvcc is there";
    mlir::DialectRegistry registry;
    registerDialects(registry);
    cpu::registerCpuDialects(registry);
    cuda::registerCudaDialects(registry);
    context.appendDialectRegistry(registry);
    context.disableMultithreading();
    auto imported = importModel(directory(), {ImportScope::Moe}, context);
    ASSERT_TRUE(static_cast<bool>(imported))
        << llvm::toString(imported.takeError());
    module = std::move(*imported);
    PipelineOptions passes;
    for (llvm::StringRef name : cuda::getCpuOnlyPasses())
      passes.disabled.push_back(name.str());
    mlir::PassManager manager(&context);
    buildMoeToGroupedPipeline(manager, passes);
    ASSERT_TRUE(succeeded(manager.run(*module)));
    cuda::CudaCompileOptions options;
    options.architectures = {"sm_80"};
    options.bf16 = GetParam().bf16;
    auto compiled = cuda::compileCudaModule(*module, options);
    ASSERT_TRUE(succeeded(compiled));
    code = std::move(*compiled);
    auto text =
        cuda::compileCuda(code.code[0].source, "sm_80", cuda::CudaForm::Ptx);
    ASSERT_TRUE(static_cast<bool>(text)) << llvm::toString(text.takeError());
    ptx = std::move(*text);
  }

  /// `tokens` rows of a golden tensor, which repeats.
  template <typename T>
  std::vector<T> readGolden(const std::string &name, int64_t tokens) {
    auto source = files.find("golden.safetensors", name);
    EXPECT_TRUE(static_cast<bool>(source)) << name;
    std::vector<char> bytes(source->entry->size);
    EXPECT_FALSE(source->file->read(*source->entry, 0, bytes));
    const T *values = reinterpret_cast<const T *>(bytes.data());
    std::vector<T> result(tokens * source->entry->shape[1]);
    for (size_t i = 0; i < result.size(); ++i)
      result[i] = values[i % (bytes.size() / sizeof(T))];
    return result;
  }

  /// Calls a function; the bytes of its results.
  std::vector<std::vector<char>> call(const cpu::FunctionSignature &function,
                                      const std::vector<float> &input,
                                      int64_t tokens,
                                      const ptx::Schedule &schedule) {
    Simulation gpu;
    gpu.options = schedule;
    gpu.kernels = code.code[0].kernels;
    std::string wrong;
    gpu.module = ptx::Module::parse(ptx, wrong);
    EXPECT_TRUE(gpu.module) << wrong;
    if (!gpu.module)
      return {};
    auto upload = [&](const void *from, size_t bytes, const std::string &name) {
      uint64_t address = gpu.device.allocate(bytes, name);
      gpu.keep(gpu.device.write(address, from, bytes));
      return reinterpret_cast<void *>(address);
    };
    std::vector<const void *> parameters;
    for (const std::string &name : function.parameters) {
      auto global = module->lookupSymbol<mlir::ml_program::GlobalOp>(name);
      auto bytes = readParameter(
          global.getValueAttr(),
          mlir::cast<mlir::RankedTensorType>(global.getType()), name, files);
      EXPECT_TRUE(static_cast<bool>(bytes));
      parameters.push_back(upload(bytes->data(), bytes->size(), name));
    }
    std::vector<std::vector<int64_t>> shapes;
    std::vector<moec_tensor> arguments, results;
    shapes.reserve(1 + function.results.size());
    auto shapeOf = [&](const cpu::TensorSignature &tensor) {
      std::vector<int64_t> &shape = shapes.emplace_back();
      for (const cpu::Dimension &dim : tensor.dims)
        shape.push_back(dim.symbol.empty() ? dim.size : tokens);
      return shape.data();
    };
    auto add = [&](std::vector<moec_tensor> &table,
                   const cpu::TensorSignature &tensor, void *data) {
      table.push_back({data, shapeOf(tensor),
                       static_cast<int32_t>(tensor.dims.size()), tensor.dtype});
    };
    add(arguments, function.arguments[0],
        upload(input.data(), 4 * input.size(), "input"));
    std::vector<size_t> sizes;
    for (const cpu::TensorSignature &tensor : function.results) {
      sizes.push_back(4 * tokens * tensor.dims[1].size);
      add(results, tensor,
          reinterpret_cast<void *>(
              gpu.device.allocate(sizes.back(), tensor.name)));
    }

    moec_services services = {};
    services.struct_size = sizeof(services);
    services.num_workers = 4;
    services.host = &gpu;
    services.launch = [](void *host, const moec_launch *launch) {
      static_cast<Simulation *>(host)->launch(*launch);
    };
    moec_frame frame = {};
    frame.struct_size = sizeof(frame);
    frame.num_arguments = arguments.size();
    frame.num_results = results.size();
    frame.num_parameters = parameters.size();
    frame.arguments = arguments.data();
    frame.results = results.data();
    frame.parameters = parameters.data();
    frame.services = &services;
    cpu::test::Library library(code.code[0].elf);
    std::string entry = llvm::StringRef(function.entry).drop_front(8).str();
    auto run =
        library.find<cpu::test::Call::Function>(("moec_fn_" + entry).c_str());
    auto query = library.find<cpu::test::Call::Query>(
        ("moec_workspace_" + entry).c_str());
    frame.workspace_size = query(&frame);
    frame.workspace = reinterpret_cast<void *>(
        gpu.device.allocate(frame.workspace_size, "workspace"));
    EXPECT_EQ(run(&frame), MOEC_FRAME_OK);
    EXPECT_GT(gpu.launches, 0u);
    std::vector<std::vector<char>> values;
    for (auto [size, tensor] : llvm::zip_equal(sizes, results)) {
      std::vector<char> &bytes = values.emplace_back(size);
      if (gpu.error.empty())
        gpu.keep(gpu.device.read(reinterpret_cast<uint64_t>(tensor.data),
                                 bytes.data(), size));
    }
    EXPECT_EQ(gpu.error, "");
    return gpu.error.empty() ? values : std::vector<std::vector<char>>();
  }

  static void expectNear(const std::vector<char> &bytes,
                         const std::vector<float> &golden, const char *what) {
    const float *found = reinterpret_cast<const float *>(bytes.data());
    ASSERT_EQ(bytes.size(), 4 * golden.size()) << what;
    for (size_t i = 0; i < golden.size(); ++i)
      ASSERT_NEAR(found[i], golden[i], 1e-4 + 1e-4 * std::fabs(golden[i]))
          << what << " at " << i;
  }

  /// Rounding to bf16 is an error of each factor of a sum, however small the
  /// sum is: measured by the largest result, and on average.
  static void expectRounded(const std::vector<char> &bytes,
                            const std::vector<float> &golden) {
    const float *found = reinterpret_cast<const float *>(bytes.data());
    ASSERT_EQ(bytes.size(), 4 * golden.size());
    double largest = 0, squares = 0, errors = 0;
    for (size_t i = 0; i < golden.size(); ++i) {
      double error = found[i] - golden[i];
      largest = std::fmax(largest, std::fabs(golden[i]));
      squares += double(golden[i]) * golden[i];
      errors += error * error;
    }
    for (size_t i = 0; i < golden.size(); ++i)
      ASSERT_NEAR(found[i], golden[i], 2e-2 * largest) << i;
    EXPECT_LE(std::sqrt(errors), 5e-3 * std::sqrt(squares));
  }

  mlir::MLIRContext context;
  SourceFiles files;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  cuda::CudaModule code;
  std::string ptx;
};

TEST_P(PtxTest, agreesWithGolden) {
  for (const cpu::FunctionSignature &function : code.functions) {
    std::string layer = llvm::StringRef(function.name).drop_back(4).str();
    // 130 tokens are more than 32 rows an expert.
    for (int64_t tokens : {0, 1, 7, 33, 130}) {
      SCOPED_TRACE(function.name + " of " + std::to_string(tokens));
      ptx::Schedule schedule;
      schedule.lazyCopies = schedule.reverse = tokens == 7;
      std::vector<std::vector<char>> results =
          call(function, readGolden<float>(layer + ".moe_in", tokens), tokens,
               schedule);
      ASSERT_EQ(results.size(), 4u);
      auto golden = readGolden<float>(layer + ".moe_out", tokens);
      if (GetParam().bf16)
        expectRounded(results[0], golden);
      else
        expectNear(results[0], golden, "moe_out");
      expectNear(results[1],
                 readGolden<float>(layer + ".router_logits", tokens),
                 "router_logits");
      // Ids of a token have no order.
      auto ids = readGolden<int64_t>(layer + ".topk_ids", tokens);
      const int *found = reinterpret_cast<const int *>(results[2].data());
      ASSERT_EQ(results[2].size(), 4 * ids.size());
      std::vector<int64_t> sorted(found, found + ids.size());
      for (int64_t token = 0; token < tokens; ++token) {
        int64_t slots = ids.size() / tokens, first = token * slots;
        std::sort(&sorted[first], &sorted[first] + slots);
        std::sort(&ids[first], &ids[first] + slots);
      }
      EXPECT_EQ(sorted, ids);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, PtxTest,
    ::testing::Values(Layer{"mixtral"}, Layer{"olmoe"}, Layer{"deepseek_v3"},
                      Layer{"gpt_oss"}, Layer{"qwen2_moe"},
                      Layer{"gpt_oss_mxfp4"}, Layer{"deepseek_v3_fp8"},
                      Layer{"olmoe", true}, Layer{"deepseek_v3", true},
                      Layer{"gpt_oss", true}, Layer{"qwen2_moe", true}));
} // namespace
