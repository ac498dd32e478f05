// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/object/InsertCode.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"

llvm::Error moec::object::insertCode(llvm::Module &module,
                                     llvm::StringRef bitcode) {
  auto code =
      llvm::parseBitcodeFile({bitcode, "inserted"}, module.getContext());
  if (!code)
    return code.takeError();
  // Everything about the target is said once, for the whole module.
  (*code)->setDataLayout(module.getDataLayout());
  (*code)->setTargetTriple(module.getTargetTriple());
  for (llvm::StringRef name : {"llvm.module.flags", "llvm.ident"})
    if (llvm::NamedMDNode *node = (*code)->getNamedMetadata(name))
      node->eraseFromParent();
  if (llvm::Linker::linkModules(module, std::move(*code)))
    return llvm::createStringError("the code of the object's helpers "
                                   "cannot be linked");
  return llvm::Error::success();
}
