// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libmoec_reference.so: moec/reference.h over runReference.

#include "dialects/moe/Moe.h"
#include "dialects/transformer/Transformer.h"
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "moec/reference.h"
#include "reference/Reference.h"
#include "llvm/Support/MemoryBufferRef.h"

using namespace mlir;
using namespace moec::reference;

namespace {
/// A module, and the first error that its context reported.
class LoadedModule {
public:
  LoadedModule(const void *bytecode, uint64_t size)
      : context(makeRegistry(), MLIRContext::Threading::DISABLED),
        handler(&context, [this](Diagnostic &diagnostic) {
          if (error.empty())
            error = diagnostic.str();
          return success();
        }) {
    llvm::MemoryBufferRef buffer(
        StringRef(static_cast<const char *>(bytecode), size), "source");
    if (!isBytecode(buffer)) {
      error = "source segment is not MLIR bytecode";
      return;
    }
    module = parseSourceString<ModuleOp>(buffer.getBuffer(),
                                         ParserConfig(&context), "source");
    if (!module && error.empty())
      error = "source segment holds no module";
  }

  ModuleOp get() { return module.get(); }
  StringRef getError() const { return error; }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registry
        .insert<moec::moe::MoeDialect, arith::ArithDialect, DLTIDialect,
                func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
                ml_program::MLProgramDialect, scf::SCFDialect,
                tensor::TensorDialect, moec::transformer::TransformerDialect>();
    return registry;
  }

  MLIRContext context;
  std::string error;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};

int32_t fail(char *text, uint64_t capacity, int32_t status,
             const Twine &message) {
  if (!text || capacity == 0)
    return status;
  std::string line = message.str();
  for (char &c : line)
    if (c == '\n')
      c = ' ';
  uint64_t size = std::min<uint64_t>(line.size(), capacity - 1);
  std::copy_n(line.data(), size, text);
  text[size] = 0;
  return status;
}

/// The dtype of an element type; 0 where frames have none.
int32_t dtypeOf(Type type) {
  if (type.isF32())
    return MOEC_DTYPE_F32;
  if (type.isF16())
    return MOEC_DTYPE_F16;
  if (type.isBF16())
    return MOEC_DTYPE_BF16;
  if (type.isF64())
    return MOEC_DTYPE_F64;
  if (type.isUnsignedInteger(8))
    return MOEC_DTYPE_U8;
  if (type.isInteger(1))
    return MOEC_DTYPE_BOOL;
  if (type.isInteger(8))
    return MOEC_DTYPE_I8;
  if (type.isInteger(32))
    return MOEC_DTYPE_I32;
  if (type.isInteger(64))
    return MOEC_DTYPE_I64;
  return 0;
}

/// Whether a borrowed tensor is one of this type.
bool fits(const moec_tensor &tensor, RankedTensorType type) {
  if (tensor.rank != type.getRank() ||
      tensor.dtype != dtypeOf(type.getElementType()))
    return false;
  ArrayRef<int64_t> shape(tensor.shape, tensor.rank);
  for (auto [size, wanted] : llvm::zip_equal(shape, type.getShape()))
    if (size < 0 || (!ShapedType::isDynamic(wanted) && size != wanted))
      return false;
  return tensor.data || numElements(shape) == 0;
}

/// Lends a tensor's bytes to a callback.
template <typename Callback>
auto lend(Type elementType, const Tensor &tensor, Callback callback) {
  std::vector<char> bytes(elementBytes(elementType) * tensor.data.size());
  toBytes(elementType, tensor, bytes.data());
  moec_tensor lent{bytes.data(), tensor.shape.data(),
                   static_cast<int32_t>(tensor.shape.size()),
                   dtypeOf(elementType)};
  return callback(lent);
}

/// Runs one request on a loaded module.
class Run {
public:
  Run(const moec_reference_request &request, LoadedModule &loaded)
      : request(request), loaded(loaded) {}

  int32_t run() {
    auto function = loaded.get().lookupSymbol<func::FuncOp>(request.function);
    if (!function)
      return report(MOEC_REFERENCE_BAD_ARGUMENT,
                    Twine("module has no function '") + request.function + "'");
    SmallVector<Tensor> arguments, results;
    if (int32_t status = readArguments(function, arguments))
      return status;
    if (failed(runReference(loaded.get(), request.function, arguments,
                            makeHost(), results)))
      return report(stopped ? MOEC_REFERENCE_STOPPED
                            : MOEC_REFERENCE_BAD_MODULE,
                    loaded.getError());
    return giveResults(function, results);
  }

private:
  int32_t report(int32_t status, const Twine &message) {
    return fail(request.error_text, request.error_capacity, status, message);
  }

  int32_t readArguments(func::FuncOp function,
                        SmallVectorImpl<Tensor> &arguments) {
    if (request.num_arguments != function.getNumArguments())
      return report(MOEC_REFERENCE_BAD_ARGUMENT,
                    Twine("expected ") + Twine(function.getNumArguments()) +
                        " arguments, found " + Twine(request.num_arguments));
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      const moec_tensor &given = request.arguments[index];
      if (!tensor || !fits(given, tensor)) {
        std::string text;
        llvm::raw_string_ostream(text) << type;
        return report(MOEC_REFERENCE_BAD_ARGUMENT,
                      "argument " + Twine(index) + ": expected " + text);
      }
      arguments.push_back(fromBytes(tensor.getElementType(),
                                    ArrayRef(given.shape, given.rank),
                                    given.data));
    }
    return MOEC_REFERENCE_OK;
  }

  Host makeHost() {
    Host host;
    host.getParameter = [this](StringRef symbol, RankedTensorType type,
                               std::shared_ptr<const void> &bytes) {
      moec_tensor given{};
      if (!request.get_parameter ||
          request.get_parameter(request.host, symbol.str().c_str(), &given)) {
        stopped = true;
        return failure();
      }
      // Borrowed until the run returns.
      bytes = std::shared_ptr<const void>(std::shared_ptr<void>(), given.data);
      return success(fits(given, type));
    };
    if (request.tap)
      host.tap = [this](StringRef name, RankedTensorType type,
                        const Tensor &value) {
        lend(type.getElementType(), value, [&](const moec_tensor &lent) {
          request.tap(request.host, name.str().c_str(), &lent);
        });
      };
    return host;
  }

  int32_t giveResults(func::FuncOp function, ArrayRef<Tensor> results) {
    for (auto [index, value] : llvm::enumerate(results)) {
      auto name =
          function.getResultAttrOfType<StringAttr>(index, moec::moe::kNameAttr);
      std::string text = name ? name.str() : std::to_string(index);
      Type type = getElementTypeOrSelf(function.getResultTypes()[index]);
      if (!dtypeOf(type))
        return report(MOEC_REFERENCE_BAD_MODULE,
                      "result '" + text + "' has no frame dtype");
      int32_t stop = lend(type, value, [&](const moec_tensor &lent) {
        return request.result(request.host, index, text.c_str(), &lent);
      });
      if (stop)
        return report(MOEC_REFERENCE_STOPPED,
                      "stopped at result '" + text + "'");
    }
    return MOEC_REFERENCE_OK;
  }

  const moec_reference_request &request;
  LoadedModule &loaded;
  bool stopped = false;
};
} // namespace

#define MOEC_EXPORT extern "C" __attribute__((visibility("default")))

MOEC_EXPORT int32_t moec_reference_run(const moec_reference_request *request) {
  if (!request || request->struct_size < sizeof(*request))
    return MOEC_REFERENCE_BAD_REQUEST;
  if (!request->bytecode || !request->function || !request->result ||
      (request->num_arguments && !request->arguments))
    return fail(request->error_text, request->error_capacity,
                MOEC_REFERENCE_BAD_REQUEST,
                "request has a null bytecode, function, arguments or result");
  LoadedModule loaded(request->bytecode, request->bytecode_size);
  if (!loaded.get())
    return fail(request->error_text, request->error_capacity,
                MOEC_REFERENCE_BAD_MODULE, loaded.getError());
  return Run(*request, loaded).run();
}

MOEC_EXPORT int32_t
moec_reference_print(const void *bytecode, uint64_t bytecode_size, void *host,
                     void (*write)(void *host, const char *text, uint64_t size),
                     char *error_text, uint64_t error_capacity) {
  if (!bytecode || !write)
    return fail(error_text, error_capacity, MOEC_REFERENCE_BAD_REQUEST,
                "request has a null bytecode or write");
  LoadedModule loaded(bytecode, bytecode_size);
  if (!loaded.get())
    return fail(error_text, error_capacity, MOEC_REFERENCE_BAD_MODULE,
                loaded.getError());
  std::string text;
  llvm::raw_string_ostream stream(text);
  loaded.get().print(stream);
  stream << '\n';
  write(host, text.data(), text.size());
  return MOEC_REFERENCE_OK;
}
