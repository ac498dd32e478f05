// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a registry must hold for the pipeline to run, beyond the dialects of all
// phases.

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Pipeline.h"
#include "codegen/cpu/Taps.h"
#include "dialects/grouped/Grouped.h"
#include "mlir/Dialect/Affine/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/MemRef/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;

namespace {
/// Computation may stand in any function.
struct InlineAnywhere : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void moec::cpu::registerCpuDialects(DialectRegistry &registry) {
  registry.insert<CpuDialect>();
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  registerTapBufferization(registry);
  affine::registerValueBoundsOpInterfaceExternalModels(registry);
  arith::registerValueBoundsOpInterfaceExternalModels(registry);
  memref::registerValueBoundsOpInterfaceExternalModels(registry);
  scf::registerValueBoundsOpInterfaceExternalModels(registry);
  tensor::registerValueBoundsOpInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registry.addExtension(+[](MLIRContext *, grouped::GroupedDialect *grouped,
                            ml_program::MLProgramDialect *) {
    if (!grouped->getRegisteredInterface<DialectInlinerInterface>())
      grouped->addInterfaces<InlineAnywhere>();
  });
}
