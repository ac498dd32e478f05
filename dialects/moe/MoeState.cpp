// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"

using namespace mlir;
using namespace moec::moe;

LogicalResult StateAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<StringAttr> dims,
                                ArrayRef<int64_t> sizes, StringAttr counts) {
  if (dims.size() != sizes.size())
    return emitError() << "state expects one size for each of its "
                       << dims.size() << " named dimensions, got "
                       << sizes.size();
  for (int64_t size : sizes)
    if (size < 1)
      return emitError() << "state expects sizes of at least 1, got " << size;
  return success();
}
