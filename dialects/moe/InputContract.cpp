// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/InputContract.h"
#include "llvm/ADT/StringSet.h"

namespace moec::moe {

static constexpr llvm::StringLiteral operations[] = {
    // Structure.
    "builtin.module", "func.func", "func.call", "func.return",
    "ml_program.global", "ml_program.global_load",
    "ml_program.global_load_const", "ml_program.global_store",
    // Meaning.
    "moe.combine", "moe.dispatch", "moe.experts", "moe.limit", "moe.plan",
    "moe.rows", "moe.select", "moe.select_tokens", "moe.slots", "moe.tap",
    "moe.weigh", "moe.yield",
    // Around the layers.
    "transformer.attention", "transformer.kv_append", "transformer.kv_view",
    "transformer.rotary",
    // Control flow.
    "scf.condition", "scf.for", "scf.forall", "scf.forall.in_parallel",
    "scf.if", "scf.index_switch", "scf.while", "scf.yield",
    // Tensors.
    "tensor.cast", "tensor.collapse_shape", "tensor.concat", "tensor.dim",
    "tensor.empty", "tensor.expand_shape", "tensor.extract",
    "tensor.extract_slice", "tensor.from_elements", "tensor.generate",
    "tensor.insert", "tensor.insert_slice", "tensor.pad",
    "tensor.parallel_insert_slice", "tensor.reshape", "tensor.splat",
    "tensor.yield",
    // Structured computation.
    "linalg.abs", "linalg.add", "linalg.batch_matmul", "linalg.batch_matvec",
    "linalg.batch_vecmat", "linalg.broadcast", "linalg.ceil", "linalg.contract",
    "linalg.copy", "linalg.div", "linalg.dot", "linalg.elementwise",
    "linalg.erf", "linalg.exp", "linalg.fill", "linalg.floor", "linalg.generic",
    "linalg.index", "linalg.log", "linalg.map", "linalg.matmul",
    "linalg.matvec", "linalg.max", "linalg.min", "linalg.mul", "linalg.negf",
    "linalg.powf", "linalg.reciprocal", "linalg.reduce", "linalg.round",
    "linalg.rsqrt", "linalg.select", "linalg.softmax", "linalg.sqrt",
    "linalg.square", "linalg.sub", "linalg.tanh", "linalg.transpose",
    "linalg.vecmat", "linalg.yield",
    // Numbers.
    "arith.addf", "arith.addi", "arith.andi", "arith.ceildivsi",
    "arith.ceildivui", "arith.cmpf", "arith.cmpi", "arith.constant",
    "arith.divf", "arith.divsi", "arith.divui", "arith.extf", "arith.extsi",
    "arith.extui", "arith.floordivsi", "arith.fptosi", "arith.fptoui",
    "arith.index_cast", "arith.index_castui", "arith.maximumf", "arith.maxnumf",
    "arith.maxsi", "arith.maxui", "arith.minimumf", "arith.minnumf",
    "arith.minsi", "arith.minui", "arith.mulf", "arith.muli", "arith.negf",
    "arith.ori", "arith.remf", "arith.remsi", "arith.remui", "arith.select",
    "arith.shli", "arith.shrsi", "arith.shrui", "arith.sitofp", "arith.subf",
    "arith.subi", "arith.truncf", "arith.trunci", "arith.uitofp", "arith.xori",
    "math.absf", "math.absi", "math.atan2", "math.ceil", "math.copysign",
    "math.cos", "math.erf", "math.exp", "math.exp2", "math.expm1", "math.floor",
    "math.fma", "math.fpowi", "math.log", "math.log1p", "math.log2",
    "math.powf", "math.round", "math.roundeven", "math.rsqrt", "math.sin",
    "math.sqrt", "math.tanh", "math.trunc"};

llvm::ArrayRef<llvm::StringLiteral> getInputOperations() { return operations; }

bool isInputOperation(llvm::StringRef name) {
  static const llvm::StringSet<> names = [] {
    llvm::StringSet<> all;
    for (llvm::StringLiteral operation : operations)
      all.insert(operation);
    return all;
  }();
  return names.contains(name);
}

} // namespace moec::moe
