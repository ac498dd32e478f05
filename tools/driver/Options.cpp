// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words of the command line and of the C API.

#include "tools/driver/Compiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;

namespace moec {

/// Words that the language has but this version does not do yet.
static std::string unsupported(StringRef option, StringRef name,
                               llvm::ArrayRef<StringRef> later,
                               StringRef known) {
  std::string text = "--" + option.str() + "=" + name.str();
  if (llvm::is_contained(later, name))
    return text + " is not supported by this version; it supports " +
           known.str();
  return text + ": expected " + known.str();
}

std::string applyEmit(CompileOptions &options, StringRef name) {
  if (name == "artifact")
    options.emit = EmitKind::Artifact;
  else if (name == "mlir")
    options.emit = EmitKind::Mlir;
  else if (name == "llvm")
    options.emit = EmitKind::Llvm;
  else if (name == "asm")
    options.emit = EmitKind::Asm;
  else
    return unsupported("emit", name,
                       {"object", "shared", "cuda", "ptx", "cubin"},
                       "artifact, mlir, llvm or asm");
  return "";
}

std::string applyTarget(CompileOptions &options, StringRef list) {
  llvm::SmallVector<StringRef> targets;
  list.split(targets, ',');
  options.levels.clear();
  for (StringRef target : targets) {
    auto [kind, level] = target.split(':');
    StringRef known = "cpu, cpu:x86-64-v3 or cpu:x86-64-v4";
    if (kind != "cpu")
      return unsupported("target", target,
                         kind == "cuda" ? llvm::ArrayRef(target)
                                        : llvm::ArrayRef<StringRef>(),
                         known);
    if (level.empty() && target.size() == kind.size())
      continue;
    if (level != "x86-64-v3" && level != "x86-64-v4")
      return unsupported("target", target, {}, known);
    options.levels.push_back(level.str());
  }
  return "";
}

std::string applyScope(CompileOptions &options, StringRef name) {
  if (name != "moe" && name != "model")
    return unsupported("scope", name, {}, "moe or model");
  options.scope = name == "model" ? ImportScope::Model : ImportScope::Moe;
  return "";
}

std::string checkCompute(StringRef name) {
  return name == "f32"
             ? ""
             : unsupported("compute", name, {"bf16", "int8", "tf32"}, "f32");
}

} // namespace moec
