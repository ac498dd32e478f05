// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

static StringRef severityName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("every severity has a name");
}

static std::string format(const Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << severityName(diagnostic.getSeverity()) << ": ";
  if (auto location =
          diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    stream << location.getFilename().getValue() << ':' << location.getLine()
           << ':' << location.getColumn() << ": ";
  else if (auto name = diagnostic.getLocation()->findInstanceOf<NameLoc>())
    stream << name.getName().getValue() << ": ";
  stream << diagnostic.str();
  return text;
}

moec::DiagnosticPrinter::DiagnosticPrinter(
    MLIRContext &context, llvm::function_ref<void(StringRef)> message)
    : handler(&context, [message](Diagnostic &diagnostic) {
        message(format(diagnostic));
        for (const Diagnostic &note : diagnostic.getNotes())
          message(format(note));
        return success();
      }) {}
