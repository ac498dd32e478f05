// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensor operations of which decoders are made, on rows `[T, ..]` and heads
// `[B, S, heads, width]` with T = B * S.

#ifndef MOEC_IMPORTERS_TENSORBUILDER_H
#define MOEC_IMPORTERS_TENSORBUILDER_H

#include "importers/DecoderBuilder.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace moec {

class TensorBuilder {
public:
  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                              mlir::ValueRange)>;

  TensorBuilder(mlir::ImplicitLocOpBuilder &b, mlir::ModuleOp module)
      : b(b), module(module) {}

  /// Reads the sizes B, S and T off `ids` [B, S].
  void beginFunction(mlir::Value ids);
  mlir::Value batch, tokens, rows;

  /// Reads a parameter, which is declared when it is read first.
  mlir::Value parameter(llvm::StringRef name, const ParameterSpec &spec,
                        llvm::ArrayRef<int64_t> shape);

  /// [B, S, ..] as [T, ..], and back with these sizes after T.
  mlir::Value mergeTokens(mlir::Value value);
  mlir::Value splitTokens(mlir::Value value, llvm::ArrayRef<int64_t> rest);
  /// [B, S, heads, width] as [B, S, heads * width].
  mlir::Value mergeHeads(mlir::Value value);
  /// Of [T, width] the last row of each sequence, [B, width]; zeros where there
  /// are no tokens. From here on the rows are those of the sequences.
  mlir::Value takeLastTokens(mlir::Value value);
  /// `size` entries of the last dimension from `offset` on.
  mlir::Value columns(mlir::Value value, int64_t offset, int64_t size);
  mlir::Value cast(mlir::Value value, mlir::Type type);

  /// An uninitialised [T, width], and [B, S, heads, width].
  mlir::Value empty(int64_t width);
  mlir::Value emptyHeads(int64_t heads, int64_t width);

  /// A parallel computation of each element of `init`. The body gets one scalar
  /// an input.
  mlir::Value generic(llvm::ArrayRef<mlir::Value> inputs,
                      llvm::ArrayRef<mlir::AffineMap> maps, mlir::Value init,
                      Body body);
  /// Likewise on rows of one shape [T, width].
  mlir::Value elementwise(llvm::ArrayRef<mlir::Value> inputs, Body body);
  mlir::Value scale(mlir::Value value, double factor);
  mlir::Value clamp(mlir::Value value, double limit);

  mlir::Value linear(const std::string &name, const LinearSpec &spec,
                     mlir::Value x);
  /// Normalises the last dimension of a tensor of any rank.
  mlir::Value norm(const std::string &name, const NormSpec &spec,
                   mlir::Value x);

  /// The f32 constant, and the value as f32, in the body being built.
  mlir::Value real(mlir::OpBuilder &n, double value);
  mlir::Value widen(mlir::OpBuilder &n, mlir::Value value);

private:
  mlir::Value reduce(mlir::Value x, Body body);
  mlir::Value emptyOf(mlir::RankedTensorType type);

  mlir::ImplicitLocOpBuilder &b;
  mlir::ModuleOp module;
};

} // namespace moec

#endif // MOEC_IMPORTERS_TENSORBUILDER_H
