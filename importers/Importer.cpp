// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Importer.h"
#include "dialects/moe/Moe.h"
#include "dialects/transformer/Transformer.h"
#include "importers/gguf/Gguf.h"
#include "importers/hf/HuggingFace.h"
#include "importers/json/Description.h"
#include "importers/onnx/Onnx.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace moec;
using llvm::createStringError;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
using ModuleRef = mlir::OwningOpRef<mlir::ModuleOp>;

void moec::loadImporterDialects(mlir::MLIRContext &context) {
  context.loadDialect<
      moe::MoeDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
      mlir::linalg::LinalgDialect, mlir::math::MathDialect,
      mlir::ml_program::MLProgramDialect, mlir::scf::SCFDialect,
      mlir::tensor::TensorDialect, transformer::TransformerDialect>();
}

/// Collects the errors that MLIR reports while this object lives.
namespace {
struct ErrorCollector {
  explicit ErrorCollector(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
            return mlir::failure();
          llvm::raw_string_ostream stream(text);
          if (!text.empty())
            stream << "\n";
          if (!mlir::isa<mlir::UnknownLoc>(diagnostic.getLocation()))
            stream << diagnostic.getLocation() << ": ";
          stream << diagnostic;
          return mlir::success();
        }) {}

  std::string text;
  mlir::ScopedDiagnosticHandler handler;
};
} // namespace

static Expected<ModuleRef> importMlir(StringRef path, const ImportOptions &,
                                      mlir::MLIRContext &context) {
  ErrorCollector errors(context);
  auto module =
      mlir::parseSourceFile<mlir::ModuleOp>(path, mlir::ParserConfig(&context));
  if (!module)
    return createStringError(path + ": not a valid module: " + errors.text);
  return module;
}

static Expected<ModuleRef> importDescription(StringRef path,
                                             const ImportOptions &,
                                             mlir::MLIRContext &context) {
  return json::importDescription(path, context);
}

namespace {
struct SourceFormat {
  StringRef extension; ///< with the dot; empty: a directory
  Expected<ModuleRef> (*import)(StringRef, const ImportOptions &,
                                mlir::MLIRContext &);
};
} // namespace

static constexpr SourceFormat kFormats[] = {
    {"", hf::importDirectory},    {".json", importDescription},
    {".mlir", importMlir},        {".mlirbc", importMlir},
    {".onnx", onnx::importModel}, {".gguf", gguf::importFile},
};

Expected<ModuleRef> moec::importModel(StringRef path,
                                      const ImportOptions &options,
                                      mlir::MLIRContext &context) {
  loadImporterDialects(context);
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(path, status))
    return createStringError(path + ": cannot open: " + code.message());
  bool directory = llvm::sys::fs::is_directory(status);
  StringRef extension = directory ? "" : llvm::sys::path::extension(path);
  for (const SourceFormat &format : kFormats) {
    if (format.extension != extension || (!directory && extension.empty()))
      continue;
    auto module = format.import(path, options, context);
    if (!module)
      return module;
    StringRef base = directory ? path : llvm::sys::path::parent_path(path);
    if (!(**module)->hasAttr(moe::kSourceDirectoryAttr))
      (**module)->setAttr(
          moe::kSourceDirectoryAttr,
          mlir::StringAttr::get(&context, base.empty() ? "." : base));
    ErrorCollector errors(context);
    if (mlir::failed(mlir::verify(**module)))
      return createStringError(
          path + ": the imported module is not valid: " + errors.text);
    return module;
  }
  return createStringError(
      path + ": unknown kind of input, expected a directory with config.json, "
             "or a file .gguf, .json, .mlir, .mlirbc or .onnx");
}
