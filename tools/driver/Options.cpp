// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words of the command line and of the C API.

#include "codegen/cpu/ObjectEmitter.h"
#include "codegen/cuda/Pipeline.h"
#include "tools/driver/Compiler.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

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
  else if (name == "object")
    options.emit = EmitKind::Object;
  else if (name == "shared")
    options.emit = EmitKind::Shared;
  else if (name == "cuda")
    options.emit = EmitKind::Cuda;
  else if (name == "ptx")
    options.emit = EmitKind::Ptx;
  else if (name == "cubin")
    options.emit = EmitKind::Cubin;
  else
    return unsupported("emit", name, {},
                       "artifact, object, shared, mlir, llvm, asm, cuda, ptx "
                       "or cubin");
  return "";
}

/// The list without "cuda:" before its first name; each may repeat it.
static std::string applyArchitectures(CompileOptions &options, StringRef list) {
  llvm::ArrayRef<StringRef> known = cuda::getArchitectures();
  if (list == "cuda") {
    for (StringRef name : known)
      options.architectures.push_back(name.str());
    return "";
  }
  llvm::SmallVector<StringRef> names;
  list.split(names, ',');
  for (StringRef name : names) {
    name.consume_front("cuda:");
    if (!llvm::is_contained(known, name))
      return unsupported("target", list, {},
                         "cuda or cuda:ARCH,.. with ARCH one of " +
                             llvm::join(known, ", "));
    options.architectures.push_back(name.str());
  }
  return "";
}

std::string applyTarget(CompileOptions &options, StringRef list) {
  llvm::SmallVector<StringRef> targets;
  list.split(targets, ',');
  options.levels.clear();
  options.architectures.clear();
  if (list == "cuda" || list.starts_with("cuda:"))
    return applyArchitectures(options, list);
  for (StringRef target : targets) {
    auto [kind, level] = target.split(':');
    StringRef known = "cpu, cpu:x86-64-v3[+avxvnni] or "
                      "cpu:x86-64-v4[+avx512vnni|+avx512bf16], or else cuda or "
                      "cuda:ARCH,..";
    if (kind != "cpu")
      return unsupported("target", target, {}, known);
    if (level.empty() && target.size() == kind.size())
      continue;
    if (!cpu::findIsaLevel(level))
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

std::string applyWeights(CompileOptions &options, StringRef name) {
  if (name != "linked" && name != "file" && name != "pointers")
    return unsupported("weights", name, {}, "linked, file or pointers");
  options.weights = name == "linked" ? object::WeightsPlace::Linked
                    : name == "file" ? object::WeightsPlace::File
                                     : object::WeightsPlace::Pointers;
  return "";
}

/// Checks what is written against GPU targets.
static std::string checkArchitectures(CompileOptions &options) {
  std::string emit = options.emit == EmitKind::Cuda    ? "--emit=cuda"
                     : options.emit == EmitKind::Ptx   ? "--emit=ptx"
                     : options.emit == EmitKind::Cubin ? "--emit=cubin"
                                                       : "";
  if (emit.empty())
    return options.architectures.empty() || options.emit == EmitKind::Mlir
               ? ""
               : "--target=cuda: expected --emit=cuda, ptx, cubin or mlir; "
                 "artifacts with GPU code are not supported by this version";
  if (!options.quantize.empty())
    return "--quantize is for --target=cpu";
  if (options.compute != "f32" && options.compute != "bf16")
    return "--compute=" + options.compute + " is for --target=cpu";
  if (!options.levels.empty())
    return emit + " is for --target=cuda";
  if (options.architectures.empty())
    options.architectures = {cuda::getArchitectures().front().str()};
  if (options.architectures.size() > 1)
    return emit + " is for one architecture, found " +
           std::to_string(options.architectures.size());
  if (options.emit == EmitKind::Cubin &&
      (options.output.empty() || options.output == "-"))
    return "a cubin needs an output file: -o OUT.cubin";
  return "";
}

std::string applyAbi(CompileOptions &options, StringRef name) {
  if (name != "c" && name != "tvm-ffi")
    return unsupported("abi", name, {}, "c or tvm-ffi");
  options.abi = name == "c" ? object::Abi::C : object::Abi::TvmFfi;
  return "";
}

std::string checkOutput(CompileOptions &options) {
  if (options.abi == object::Abi::TvmFfi &&
      (options.emit != EmitKind::Shared ||
       options.weights != object::WeightsPlace::Linked))
    return "--abi=tvm-ffi is for --emit=shared with linked weights";
  if (std::string wrong = checkArchitectures(options); !wrong.empty())
    return wrong;
  if (options.emit == EmitKind::Artifact && options.output.empty())
    return "an artifact needs an output file: -o OUT.moe";
  bool isShared = options.emit == EmitKind::Shared;
  if (!isShared && options.emit != EmitKind::Object)
    return options.weights == object::WeightsPlace::Linked
               ? ""
               : "--weights is for --emit=object and --emit=shared";
  std::string emit = isShared ? "--emit=shared" : "--emit=object";
  StringRef extension = isShared ? ".so" : ".o";
  StringRef name = llvm::sys::path::stem(options.output);
  if (llvm::sys::path::extension(options.output) != extension ||
      !llvm::isAlpha(name.front()))
    return emit + ": expected -o NAME" + extension.str() +
           " with a NAME that starts with a letter, found '" + options.output +
           "'; NAME.h is written beside it";
  if (options.levels.size() > 1)
    return emit + ": expected one target, found " +
           std::to_string(options.levels.size());
  if (options.levels.empty())
    options.levels = {"x86-64-v3"};
  return "";
}

std::string applyCompute(CompileOptions &options, StringRef name) {
  if (name != "f32" && name != "bf16" && name != "int8")
    return unsupported("compute", name, {"tf32"}, "f32, bf16 or int8");
  options.compute = name.str();
  if (name != "f32" && options.exact)
    return "--compute=" + name.str() + " is not exact: leave out --exact";
  return "";
}

} // namespace moec
