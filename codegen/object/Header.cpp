// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/object/Header.h"
#include "moec/frame.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace moec::object;
using llvm::raw_ostream;
using llvm::StringRef;

namespace {
struct CType {
  StringRef c;
  StringRef what;
};

CType getCType(int32_t dtype) {
  switch (dtype) {
  case MOEC_DTYPE_F32:
    return {"float", "f32"};
  case MOEC_DTYPE_F16:
    return {"uint16_t", "f16 (its bits)"};
  case MOEC_DTYPE_BF16:
    return {"uint16_t", "bf16 (its bits)"};
  case MOEC_DTYPE_I32:
    return {"int32_t", "i32"};
  case MOEC_DTYPE_I64:
    return {"int64_t", "i64"};
  case MOEC_DTYPE_I8:
    return {"int8_t", "i8"};
  case MOEC_DTYPE_U8:
    return {"uint8_t", "u8"};
  case MOEC_DTYPE_BOOL:
    return {"uint8_t", "bool (0 or 1)"};
  case MOEC_DTYPE_F64:
    return {"double", "f64"};
  }
  llvm_unreachable("no other type has a number");
}

/// A name from the model must not end the comment that it stands in.
std::string comment(StringRef text) {
  std::string line;
  for (char c : text)
    line += llvm::isPrint(c) && c != '\\' ? c : '?';
  return line;
}

class HeaderWriter {
public:
  HeaderWriter(const Interface &interface, raw_ostream &out)
      : interface(interface), out(out) {}

  void writeFunction(const CFunction &function) {
    out << "/// " << comment(function.signature.name) << ". Tensors are dense "
        << "and row-major:\n";
    for (const CParameter &parameter : function.parameters)
      if (parameter.kind == CParameter::Argument)
        writeTensor(parameter, function.signature.arguments[parameter.index],
                    "in", function);
      else if (parameter.kind == CParameter::Result)
        writeTensor(parameter, function.signature.results[parameter.index],
                    "out", function);
    if (interface.place == WeightsPlace::Pointers)
      for (auto [index, weight] : llvm::enumerate(function.weights))
        writeWeight(index, interface.weights[weight]);
    out << "int32_t " << function.name;
    writeParameters(function, function.parameters);
    out << "/// Bytes of workspace for these sizes, or a negative status.\n"
        << "int64_t " << function.workspaceName;
    writeParameters(function, function.workspaceParameters);
    if (!function.packName.empty())
      writePacking(function);
    out << '\n';
  }

private:
  void writeTensor(const CParameter &parameter,
                   const moec::cpu::TensorSignature &tensor, StringRef way,
                   const CFunction &function) {
    out << "///   " << way << ' ' << parameter.name << ": "
        << getCType(tensor.dtype).what << " [";
    llvm::ListSeparator comma;
    for (const moec::cpu::Dimension &dim : tensor.dims) {
      out << comma;
      if (dim.symbol.empty())
        out << dim.size;
      else
        writeSize(dim.symbol, function);
    }
    out << "]\n";
  }

  /// A size by the names of the C parameters.
  void writeSize(StringRef symbol, const CFunction &function) {
    llvm::ListSeparator times(" * ");
    for (StringRef factor : llvm::split(symbol, '*'))
      for (const CParameter &parameter : function.parameters)
        if (parameter.kind == CParameter::Size && parameter.symbol == factor)
          out << times << parameter.name;
  }

  void writeWeight(size_t index, const Weight &weight) {
    out << "///   weights[" << index << "]: " << comment(weight.name) << ", "
        << weight.size << " bytes, " << comment(weight.layout) << '\n'
        << "///     " << comment(weight.source) << '\n';
  }

  void writePacking(const CFunction &function) {
    out << "/// Bytes of weights[weight], or a negative status.\n"
        << "int64_t " << function.weightSizeName << "(int32_t weight);\n"
        << "/// Makes weights[weight] at `packed` (64-byte aligned) from the "
           "pointers above.\n"
        << "/// Returns a moec_frame_status.\n"
        << "int32_t " << function.packName
        << "(int32_t weight, const void *const *rows, void *packed, const "
           "moec_services *services);\n";
  }

  void writeParameters(const CFunction &function,
                       const std::vector<CParameter> &parameters) {
    out << '(';
    llvm::ListSeparator comma;
    for (const CParameter &parameter : parameters) {
      out << comma;
      switch (parameter.kind) {
      case CParameter::Argument:
        out << "const "
            << getCType(function.signature.arguments[parameter.index].dtype).c
            << " *";
        break;
      case CParameter::Result:
        out << getCType(function.signature.results[parameter.index].dtype).c
            << " *";
        break;
      case CParameter::Size:
      case CParameter::WorkspaceSize:
        out << "int64_t ";
        break;
      case CParameter::Weights:
        out << (interface.place == WeightsPlace::File ? "const void *"
                                                      : "const void *const *");
        break;
      case CParameter::Workspace:
        out << "void *";
        break;
      case CParameter::Services:
        out << "const moec_services *";
        break;
      }
      out << parameter.name;
    }
    out << ");\n";
  }

  const Interface &interface;
  raw_ostream &out;
};
} // namespace

std::string moec::object::makeHeader(const Interface &interface,
                                     StringRef level) {
  std::string text;
  llvm::raw_string_ostream out(text);
  std::string guard = "MOEC_OBJECT_" + StringRef(interface.prefix).upper();
  out << "// Written by moec with the object of the same name: code for "
      << level << ".\n"
      << "//\n"
      << "// A function returns a moec_frame_status and writes nothing unless "
         "that is\n"
      << "// MOEC_FRAME_OK. `workspace` is 64-byte aligned. `services` runs "
         "tasks on the\n"
      << "// caller's threads; null: the calling thread does all. A function "
         "keeps nothing\n"
      << "// between calls and may run on several threads at once, each with a "
         "workspace\n"
      << "// of its own.";
  if (interface.place == WeightsPlace::Pointers)
    out << " Weights are pointers, 64-byte aligned, in the order given.";
  if (interface.place == WeightsPlace::File)
    out << " `weights` are the " << interface.getWeightsSize()
        << " bytes of\n// " << interface.prefix
        << ".weights, mapped or read to a 64-byte aligned address.";
  out << "\n\n#ifndef " << guard << "\n#define " << guard << "\n\n"
      << frameText << "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  HeaderWriter writer(interface, out);
  for (const CFunction &function : interface.functions)
    writer.writeFunction(function);
  out << "#ifdef __cplusplus\n}\n#endif\n\n#endif // " << guard << '\n';
  return text;
}
