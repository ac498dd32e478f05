// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles MLIR text, loads the code into this process and calls it.

#ifndef MOEC_TEST_CODEGEN_CPU_HARNESS_H
#define MOEC_TEST_CODEGEN_CPU_HARNESS_H

#include "codegen/cpu/Pipeline.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "moec/frame.h"
#include "tools/driver/RegisterDialects.h"
#include "gtest/gtest.h"
#include <atomic>
#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace moec::cpu::test {

/// A context with all that the pipeline needs, and the messages it gave.
class Compiler {
public:
  Compiler() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    registerCpuDialects(registry);
    context.appendDialectRegistry(registry);
    context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diag) {
      messages += diag.str() + "\n";
      return mlir::success();
    });
  }

  mlir::FailureOr<CpuModule> compile(llvm::StringRef text,
                                     std::vector<std::string> levels) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return mlir::failure();
    CpuCompileOptions options;
    options.levels = std::move(levels);
    options.verifyEach = true;
    options.wantAssembly = true;
    options.wantLlvm = true;
    return compileCpuModule(*module, options);
  }

  mlir::MLIRContext context;
  std::string messages;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// A loaded shared object.
class Library {
public:
  explicit Library(const std::string &elf) {
    file = memfd_create("moec-test", 0);
    EXPECT_EQ(write(file, elf.data(), elf.size()),
              static_cast<ssize_t>(elf.size()));
    std::string path = "/proc/self/fd/" + std::to_string(file);
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
      ADD_FAILURE() << dlerror();
  }
  ~Library() {
    if (handle)
      dlclose(handle);
    close(file);
  }
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  template <typename T> T find(const char *name) {
    return handle ? reinterpret_cast<T>(dlsym(handle, name)) : nullptr;
  }

private:
  /// Open as long as the library, whose name it is.
  int file = -1;
  void *handle = nullptr;
};

/// Services that run tasks in order, or backwards on `workers` threads.
class Services {
public:
  explicit Services(uint32_t workers) {
    table.struct_size = sizeof(table);
    table.num_workers = workers;
    table.host = this;
    table.parallel_for = [](void *host, int64_t count, moec_task task,
                            void *argument) {
      static_cast<Services *>(host)->run(count, task, argument);
    };
    table.tap = nullptr;
    table.wait = nullptr;
    table.launch = nullptr;
  }

  moec_services table;
  int64_t calls = 0;

private:
  void run(int64_t count, moec_task task, void *argument) {
    ++calls;
    if (table.num_workers == 1) {
      for (int64_t index = 0; index < count; ++index)
        task(argument, index, 0);
      return;
    }
    std::atomic<int64_t> next{count};
    std::vector<std::thread> threads;
    for (uint32_t worker = 0; worker < table.num_workers; ++worker)
      threads.emplace_back([&, worker] {
        for (int64_t index; (index = --next) >= 0;)
          task(argument, index, worker);
      });
    for (std::thread &thread : threads)
      thread.join();
  }
};

/// One call with tensors of any type: sets up a frame and its workspace.
class Call {
public:
  using Function = int32_t (*)(const moec_frame *);
  using Query = int64_t (*)(const moec_frame *);

  explicit Call(uint32_t workers) : services(workers) {}

  template <typename T>
  void addArgument(std::vector<T> &data, std::vector<int64_t> shape,
                   int32_t dtype) {
    add(arguments, data.data(), std::move(shape), dtype);
  }
  template <typename T>
  void addResult(std::vector<T> &data, std::vector<int64_t> shape,
                 int32_t dtype) {
    add(results, data.data(), std::move(shape), dtype);
  }
  void addParameter(const void *data) { parameters.push_back(data); }

  moec_frame makeFrame() {
    moec_frame frame = {};
    frame.struct_size = sizeof(frame);
    frame.num_arguments = arguments.size();
    frame.num_results = results.size();
    frame.num_parameters = parameters.size();
    frame.arguments = arguments.data();
    frame.results = results.data();
    frame.parameters = parameters.data();
    frame.services = &services.table;
    return frame;
  }

  /// Calls with exactly the workspace that the code asks for.
  int32_t run(Library &library, const std::string &name) {
    auto function = library.find<Function>(("moec_fn_" + name).c_str());
    auto query = library.find<Query>(("moec_workspace_" + name).c_str());
    if (!function || !query) {
      ADD_FAILURE() << "no entry points for " << name;
      return -1000;
    }
    moec_frame frame = makeFrame();
    frame.workspace_size = query(&frame);
    EXPECT_GE(frame.workspace_size, 0);
    EXPECT_EQ(frame.workspace_size % 64, 0);
    // Garbage, and a canary behind it.
    size_t bytes = frame.workspace_size + 64;
    auto *memory = static_cast<uint8_t *>(std::aligned_alloc(64, bytes));
    std::fill(memory, memory + bytes, 0xff);
    frame.workspace = memory;
    int32_t status = function(&frame);
    for (size_t index = frame.workspace_size; index < bytes; ++index)
      EXPECT_EQ(memory[index], 0xff) << "wrote behind the workspace";
    std::free(memory);
    return status;
  }

  std::vector<moec_tensor> arguments, results;
  std::vector<const void *> parameters;
  Services services;

private:
  void add(std::vector<moec_tensor> &table, void *data,
           std::vector<int64_t> shape, int32_t dtype) {
    shapes.push_back(std::make_unique<std::vector<int64_t>>(std::move(shape)));
    table.push_back({data, shapes.back()->data(),
                     static_cast<int32_t>(shapes.back()->size()), dtype});
  }

  std::vector<std::unique_ptr<std::vector<int64_t>>> shapes;
};

inline bool hostHas(llvm::StringRef level) {
  __builtin_cpu_init();
  auto [base, feature] = level.split('+');
  if ((feature == "avxvnni" && !__builtin_cpu_supports("avxvnni")) ||
      (feature == "avx512vnni" && !__builtin_cpu_supports("avx512vnni")) ||
      (feature == "avx512bf16" && !__builtin_cpu_supports("avx512bf16")))
    return false;
  return base == "x86-64-v4" ? __builtin_cpu_supports("x86-64-v4")
                             : __builtin_cpu_supports("x86-64-v3");
}

/// Basic blocks of `assembly` that hold at least `least` instructions that
/// begin with `instruction`, as the number of accesses to the stack in each.
inline std::vector<int> countStackAccesses(llvm::StringRef assembly,
                                           llvm::StringRef instruction,
                                           int least) {
  std::vector<int> counts;
  int found = 0, accesses = 0;
  llvm::SmallVector<llvm::StringRef> lines;
  assembly.split(lines, '\n');
  for (llvm::StringRef line : lines) {
    line = line.split('#').first.trim();
    found += line.starts_with(instruction);
    accesses += line.contains("(%rsp") || line.contains("(%rbp");
    if (!line.ends_with(":") && !line.starts_with("j"))
      continue;
    if (found >= least)
      counts.push_back(accesses);
    found = accesses = 0;
  }
  return counts;
}

} // namespace moec::cpu::test

#endif // MOEC_TEST_CODEGEN_CPU_HARNESS_H
