// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/transformer/Transformer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace moec::transformer;

static Value constant(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

/// A loop from 0 that carries one value.
static Value
carry(ImplicitLocOpBuilder &b, Value count, Value start,
      function_ref<Value(ImplicitLocOpBuilder &, Value, Value)> body) {
  return scf::ForOp::create(
             b, constant(b, 0), count, constant(b, 1), ValueRange{start},
             [&](OpBuilder &inner, Location loc, Value at, ValueRange carried) {
               ImplicitLocOpBuilder nested(loc, inner);
               Value next = body(nested, at, carried[0]);
               scf::YieldOp::create(nested, next);
             })
      .getResult(0);
}

/// `shape` from dimension 2 on as sizes of a slice.
static void appendRest(ImplicitLocOpBuilder &b, Value tensor,
                       SmallVectorImpl<OpFoldResult> &sizes) {
  llvm::append_range(sizes, ArrayRef<OpFoldResult>(
                                tensor::getMixedSizes(b, b.getLoc(), tensor))
                                .drop_front(2));
}

Value moec::transformer::decomposeKvAppend(OpBuilder &builder, KvAppendOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  Value rows = op.getRows(), positions = op.getPositions();
  Value slots = tensor::DimOp::create(b, op.getInit(), 1);
  Value batch = tensor::DimOp::create(b, positions, 0);
  Value tokens = tensor::DimOp::create(b, positions, 1);
  int64_t rank = cast<RankedTensorType>(rows.getType()).getRank();
  SmallVector<OpFoldResult> sizes(2, b.getIndexAttr(1));
  appendRest(b, rows, sizes);
  SmallVector<OpFoldResult> ones(rank, b.getIndexAttr(1));
  auto append = [&](ImplicitLocOpBuilder &b, Value sequence, Value token,
                    Value cache) -> Value {
    Value position =
        tensor::ExtractOp::create(b, positions, ValueRange{sequence, token});
    Value at = arith::IndexCastOp::create(b, b.getIndexType(), position);
    Value exists =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sge, at, constant(b, 0));
    return scf::IfOp::create(
               b, exists,
               [&](OpBuilder &inner, Location loc) {
                 ImplicitLocOpBuilder nested(loc, inner);
                 Value slot = arith::RemUIOp::create(nested, at, slots);
                 SmallVector<OpFoldResult> from(rank, b.getIndexAttr(0));
                 from[0] = sequence;
                 SmallVector<OpFoldResult> to(from);
                 from[1] = token;
                 to[1] = slot;
                 Value row = tensor::ExtractSliceOp::create(nested, rows, from,
                                                            sizes, ones);
                 Value next = tensor::InsertSliceOp::create(nested, row, cache,
                                                            to, sizes, ones);
                 scf::YieldOp::create(nested, next);
               },
               [&](OpBuilder &inner, Location loc) {
                 scf::YieldOp::create(inner, loc, cache);
               })
        .getResult(0);
  };
  return carry(b, batch, op.getInit(),
               [&](ImplicitLocOpBuilder &outer, Value sequence, Value cache) {
                 return carry(outer, tokens, cache,
                              [&](ImplicitLocOpBuilder &inner, Value token,
                                  Value carried) {
                                return append(inner, sequence, token, carried);
                              });
               });
}

/// The largest position below `length` that is kept in slot `j` of `slots`:
/// length - 1 - (length - 1 - j) mod slots, or -1.
static Value buildPositions(ImplicitLocOpBuilder &b, KvViewOp op, Value slots) {
  auto cache = cast<RankedTensorType>(op.getCaches()[0].getType());
  auto type =
      RankedTensorType::get(cache.getShape().take_front(2), b.getI32Type());
  SmallVector<Value> sizes;
  for (int64_t dim : {0, 1})
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(b, op.getCaches()[0], dim));
  Value init = tensor::EmptyOp::create(b, type, sizes);
  AffineExpr d0 = b.getAffineDimExpr(0);
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, TypeRange{type}, op.getLengths(), ValueRange{init},
             ArrayRef<AffineMap>{AffineMap::get(2, 0, d0, b.getContext()),
                                 b.getMultiDimIdentityMap(2)},
             iterators,
             [&](OpBuilder &inner, Location loc, ValueRange args) {
               ImplicitLocOpBuilder n(loc, inner);
               Value slot = linalg::IndexOp::create(n, 1);
               Value length =
                   arith::IndexCastOp::create(n, n.getIndexType(), args[0]);
               Value last = arith::SubIOp::create(n, length, constant(n, 1));
               Value behind = arith::SubIOp::create(n, last, slot);
               Value isThere = arith::CmpIOp::create(
                   n, arith::CmpIPredicate::sge, behind, constant(n, 0));
               // The remainder of what is not there is not used.
               behind =
                   arith::SelectOp::create(n, isThere, behind, constant(n, 0));
               Value rest = arith::RemUIOp::create(n, behind, slots);
               Value position = arith::SubIOp::create(n, last, rest);
               position = arith::SelectOp::create(n, isThere, position,
                                                  constant(n, -1));
               Value entry =
                   arith::IndexCastOp::create(n, n.getI32Type(), position);
               linalg::YieldOp::create(n, entry);
             })
      .getResult(0);
}

SmallVector<Value> moec::transformer::decomposeKvView(OpBuilder &builder,
                                                      KvViewOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  Value slots = tensor::DimOp::create(b, op.getCaches()[0], 1);
  Value batch = tensor::DimOp::create(b, op.getLengths(), 0);
  Value longest = carry(
      b, batch, constant(b, 0),
      [&](ImplicitLocOpBuilder &n, Value sequence, Value most) -> Value {
        Value length = tensor::ExtractOp::create(n, op.getLengths(), sequence);
        Value wide = arith::IndexCastOp::create(n, n.getIndexType(), length);
        return arith::MaxSIOp::create(n, most, wide);
      });
  Value size = arith::MinSIOp::create(b, longest, slots);
  Value positions = buildPositions(b, op, slots);
  SmallVector<Value> results;
  auto slice = [&](Value whole, Type type) {
    int64_t rank = cast<RankedTensorType>(whole.getType()).getRank();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(b, b.getLoc(), whole);
    sizes[1] = size;
    SmallVector<OpFoldResult> zeros(rank, b.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(rank, b.getIndexAttr(1));
    Value part = tensor::ExtractSliceOp::create(b, whole, zeros, sizes, ones);
    if (part.getType() != type)
      part = tensor::CastOp::create(b, type, part);
    results.push_back(part);
  };
  for (auto [cache, view] : llvm::zip_equal(op.getCaches(), op.getViews()))
    slice(cache, view.getType());
  slice(positions, op.getPositions().getType());
  return results;
}
