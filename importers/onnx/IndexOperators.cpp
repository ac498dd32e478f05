// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Try.h"
#include "importers/onnx/Operators.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Error;
using llvm::Twine;

/// result[a.., i.., b..] = data[a.., indices[i..], b..]; an index beyond the
/// dimension is the nearest one within it.
static Error emitGather(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  ImplicitLocOpBuilder &builder = graph.getBuilder();
  Tensor data, indices;
  int64_t axis;
  MOEC_TRY(data, node.getInput(0));
  MOEC_TRY(indices, node.getInput(1));
  MOEC_TRY(axis, node.getAxis(node.getInteger("axis", 0), data.rank()));
  if (!isa<IntegerType>(indices.element()))
    return node.fail("expected indices of integers");
  Sizes sizes(data.sizes.begin(), data.sizes.begin() + axis);
  sizes.append(indices.sizes.begin(), indices.sizes.end());
  sizes.append(data.sizes.begin() + axis + 1, data.sizes.end());
  Tensor init = graph.empty(sizes, data.element());
  int64_t rank = init.rank();
  SmallVector<AffineExpr> indexDims;
  for (int64_t i = 0; i < indices.rank(); ++i)
    indexDims.push_back(builder.getAffineDimExpr(axis + i));
  AffineMap indexMap = AffineMap::get(rank, 0, indexDims, builder.getContext());
  Value size = graph.toValue(data.sizes[axis]);
  Value zero = arith::ConstantIndexOp::create(builder, 0);
  Value one = arith::ConstantIndexOp::create(builder, 1);
  Value last = arith::SubIOp::create(builder, size, one);
  auto generic = linalg::GenericOp::create(
      builder, TypeRange{init.value.getType()}, ValueRange{indices.value},
      ValueRange{init.value},
      ArrayRef<AffineMap>{indexMap, builder.getMultiDimIdentityMap(rank)},
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [&](OpBuilder &b, Location loc, ValueRange args) {
        ImplicitLocOpBuilder inner(loc, b);
        Value at = arith::IndexCastOp::create(inner, inner.getIndexType(),
                                              args.front());
        Value negative =
            arith::CmpIOp::create(inner, arith::CmpIPredicate::slt, at, zero);
        at = arith::SelectOp::create(
            inner, negative, arith::AddIOp::create(inner, at, size), at);
        at = arith::MaxSIOp::create(inner, zero,
                                    arith::MinSIOp::create(inner, last, at));
        SmallVector<Value> position;
        for (int64_t dim = 0; dim < rank; ++dim)
          if (dim < axis || dim >= axis + indices.rank())
            position.push_back(linalg::IndexOp::create(inner, dim));
        position.insert(position.begin() + axis, at);
        linalg::YieldOp::create(inner, ValueRange{tensor::ExtractOp::create(
                                           inner, data.value, position)});
      });
  node.setOutput(0, {generic.getResult(0), sizes});
  return Error::success();
}

/// The k largest of the last dimension, in order.
static Error emitTopK(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  ImplicitLocOpBuilder &builder = graph.getBuilder();
  Tensor x;
  std::vector<int64_t> k;
  int64_t axis;
  MOEC_TRY(x, node.getInput(0));
  MOEC_TRY(k, node.getIntegers(1));
  MOEC_TRY(axis, node.getAxis(node.getInteger("axis", -1), x.rank()));
  std::optional<int64_t> width = getConstantIntValue(x.sizes.back());
  if (axis != x.rank() - 1 || node.getInteger("largest", 1) != 1 ||
      !x.element().isF32() || !width)
    return node.fail("only the largest numbers of a last dimension of fixed "
                     "size are supported");
  if (k.size() != 1 || k[0] < 1 || k[0] > *width)
    return node.fail("expected k between 1 and " + Twine(*width));
  Tensor rows = graph.collapseRows(x);
  auto typeOf = [&](Type element) {
    return RankedTensorType::get(
        {cast<RankedTensorType>(rows.value.getType()).getDimSize(0), k[0]},
        element);
  };
  auto policy = cast<moe::SelectionPolicyInterface>(
      Attribute(moe::TopKAttr::get(builder.getContext(), k[0])));
  Value ids =
      moe::SelectOp::create(builder, TypeRange{typeOf(builder.getI32Type())},
                            ValueRange{rows.value}, /*mask=*/Value(),
                            ValueRange{}, policy)
          .getIds();
  Value values = moe::WeighOp::create(
      builder, typeOf(builder.getF32Type()), rows.value, ids,
      moe::WeightNorm::None, llvm::APFloat(0.0), moe::EpsMode::Add,
      llvm::APFloat(1.0), /*fill=*/llvm::APFloat(0.0),
      /*p=*/llvm::APFloat(2.0), /*jitter=*/llvm::APFloat(0.0));
  Sizes sizes = {rows.sizes[0], graph.index(k[0])};
  node.setOutput(0, graph.expandRows({values, sizes}, x));
  Type i64 = builder.getI64Type();
  Tensor wide;
  MOEC_TRY(wide, graph.elementwise({{ids, sizes}}, i64,
                                   [&](ImplicitLocOpBuilder &b, ValueRange v) {
                                     return arith::ExtSIOp::create(b, i64,
                                                                   v[0]);
                                   }));
  node.setOutput(1, graph.expandRows(wide, x));
  return Error::success();
}

llvm::ArrayRef<Operator> moec::onnx::getIndexOperators() {
  static constexpr Operator operators[] = {
      {"", "Gather", emitGather},
      {"", "TopK", emitTopK},
  };
  return operators;
}
