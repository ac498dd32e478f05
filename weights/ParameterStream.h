// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes of a parameter from first to last, in its encoding, with memory
// that does not grow with it. What the artifact's writer and the reference use.

#ifndef MOEC_WEIGHTS_PARAMETERSTREAM_H
#define MOEC_WEIGHTS_PARAMETERSTREAM_H

#include "weights/ParameterReader.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <vector>

namespace moec {

/// Takes the next bytes; an error stops the stream.
using ByteSink = llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)>;

/// Checks a parameter's value against its type, as streamParameter would,
/// without reading weights.
llvm::Error checkParameter(mlir::Attribute value, mlir::RankedTensorType type,
                           llvm::StringRef name, SourceFiles &files);

/// Streams the parameter of `type`. A value #grouped.packed is packed into
/// panels; any other value that ParameterReader knows comes row-major. Chunks
/// are made on other threads; `sink` runs on the caller's, in order.
llvm::Error streamParameter(mlir::Attribute value, mlir::RankedTensorType type,
                            llvm::StringRef name, SourceFiles &files,
                            ByteSink sink);

/// The whole parameter in memory.
llvm::Expected<std::vector<char>> readParameter(mlir::Attribute value,
                                                mlir::RankedTensorType type,
                                                llvm::StringRef name,
                                                SourceFiles &files);

} // namespace moec

#endif // MOEC_WEIGHTS_PARAMETERSTREAM_H
