// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/Tiles.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/LowerGrouped.h"
#include "dialects/grouped/Compute.h"

using namespace mlir;
using namespace moec;
using namespace moec::cpu;
using namespace moec::cuda;

/// Products with fewer columns are left to threads.
static constexpr int64_t kFewestColumns = 64;
/// With no more rows a group, tiles have 16 of them.
static constexpr int64_t kFewRows = 32;

std::string moec::cuda::findObstacle(grouped::MatmulOp op) {
  auto lhs = cast<MemRefType>(op.getLhs().getType());
  auto weight = cast<MemRefType>(op.getRhs()[0].getType());
  Type element = weight.getElementType();
  if (!element.isF32() && !element.isBF16())
    return "its weights are neither f32 nor bf16";
  if (element.isBF16() && !grouped::isBf16(op))
    return op.isGrouped() ? "its weights are bf16 and its rows f32; "
                            "--compute=bf16 rounds them"
                          : "its weights are bf16 and its rows f32";
  if (op.getLayout() != grouped::RhsLayout::NK)
    return "the depth of its weights is not innermost";
  if (op.getRhs().size() > 2)
    return "it has more than two weights";
  if (ShapedType::isDynamic(op.getDepth()) ||
      ShapedType::isDynamic(op.getColumns()))
    return "its depth or columns are not fixed";
  if (op.getDepth() % (element.isF32() ? 4 : 8) || op.getDepth() == 0)
    return "its depth of " + std::to_string(op.getDepth()) +
           " is no multiple of " + (element.isF32() ? "4" : "8");
  bool isDense = lhs.getLayout().isIdentity();
  for (Value value : op.getRhs())
    isDense &= cast<MemRefType>(value.getType()).getLayout().isIdentity();
  if (!isDense)
    return "its rows or weights are part of a larger buffer";
  return isNested(op) ? "it is part of a loop" : "";
}

bool moec::cuda::isSmall(grouped::MatmulOp op) {
  return !op.isGrouped() && op.getColumns() < kFewestColumns;
}

void moec::cuda::storeRounded(ImplicitLocOpBuilder &b, Value value,
                              Value target, ValueRange position) {
  Type element = cast<MemRefType>(target.getType()).getElementType();
  if (value.getType().isF32() && element.isBF16())
    value = arith::TruncFOp::create(b, element, value);
  memref::StoreOp::create(b, value, target, position);
}

/// Whether `op` reads `buffer` as rows that it would round, or makes it.
static bool canUseNarrow(Operation *op, Value buffer) {
  auto matmul = dyn_cast<grouped::MatmulOp>(op);
  if (!matmul || llvm::is_contained(matmul.getExtras(), buffer))
    return false;
  if (matmul.getInits()[0] == buffer)
    return !matmul.getReduce() && matmul.getLhs() != buffer;
  return grouped::isBf16(matmul) && findObstacle(matmul).empty();
}

void moec::cuda::narrowBuffers(Operation *root) {
  root->walk([](memref::AllocOp alloc) {
    Value buffer = alloc.getResult();
    auto isReader = [&](Operation *op) {
      auto matmul = dyn_cast<grouped::MatmulOp>(op);
      return matmul && matmul.getLhs() == buffer;
    };
    if (!alloc.getType().getElementType().isF32() ||
        llvm::none_of(buffer.getUsers(), isReader) ||
        !llvm::all_of(buffer.getUsers(), [&](Operation *user) {
          return canUseNarrow(user, buffer);
        }))
      return;
    buffer.setType(MemRefType::Builder(alloc.getType())
                       .setElementType(BFloat16Type::get(alloc.getContext())));
  });
}

/// The left side in bf16.
static Value roundRows(ImplicitLocOpBuilder &b, Value lhs) {
  auto type = cast<MemRefType>(lhs.getType());
  if (type.getElementType().isBF16())
    return lhs;
  SmallVector<Value> sizes = sizesFrom(b, lhs, 0), dynamic;
  for (auto [size, value] : llvm::zip_equal(type.getShape(), sizes))
    if (ShapedType::isDynamic(size))
      dynamic.push_back(value);
  Value rounded = memref::AllocOp::create(
      b, MemRefType::get(type.getShape(), b.getBF16Type()), dynamic,
      b.getI64IntegerAttr(kScratchAlignment));
  forEachThread(b, "round_rows", sizes, [&](ValueRange at) {
    storeRounded(b, memref::LoadOp::create(b, lhs, at), rounded, at);
  });
  return rounded;
}

/// Warps above each other, and 16 x 8 blocks of a warp, for few rows a group
/// and for many. A thread holds 128 sums of bf16 products, or 64 of tf32 ones,
/// which need twice the operands.
static SmallVector<int64_t> chooseTile(grouped::MatmulOp op, bool isFew) {
  int64_t parts = op.getRhs().size();
  bool isF32 =
      cast<MemRefType>(op.getRhs()[0].getType()).getElementType().isF32();
  if (isFew)
    return {1, 1, 4 / parts};
  return {2, 4, (isF32 ? 4 : 8) / parts};
}

void moec::cuda::emitTiles(ImplicitLocOpBuilder &b, grouped::MatmulOp op,
                           Value rows, Value target) {
  Value lhs = grouped::isBf16(op) ? roundRows(b, op.getLhs()) : op.getLhs();
  Value groups = op.isGrouped() ? numGroups(b, op.getOffsets()) : index(b, 1);
  SmallVector<Value> tables;
  if (op.isGrouped())
    tables = {op.getOffsets(), op.getTokens(), op.getSlots()};
  auto launch = [&](bool isFew) {
    // Blocks stay on their multiprocessor and share the tiles; small ones fit
    // there twice.
    Value blocks =
        times(b, NumWorkersOp::create(b, b.getIndexType()), isFew ? 2 : 1);
    std::string name = op.isGrouped() ? "grouped_matmul" : "matmul";
    name += isFew ? "_16_rows" : "_128_rows";
    forEachThread(b, name, {blocks}, [&](ValueRange) {
      auto product =
          MultiplyTilesOp::create(b, lhs, op.getRhs(), groups, rows, tables,
                                  chooseTile(op, isFew), op.getGather());
      SmallVector<Type> types(5, b.getIndexType());
      types.append(op.getRhs().size(), b.getF32Type());
      OpBuilder::InsertionGuard guard(b);
      Block *block =
          b.createBlock(&product.getEpilogue(), {}, types,
                        SmallVector<Location>(types.size(), op.getLoc()));
      ValueRange at = block->getArguments();
      Epilogue epilogue(op.getEpilogue().front(), op.getExtras(), op.getMaps());
      epilogue.beginRow(b, {at[0], at[1], at[2], at[3]});
      Value value = epilogue.emit(b, at[4], /*width=*/0, at.drop_front(5));
      storeRounded(b, value, target, ValueRange{at[1], at[4]});
    });
  };
  Value isFew = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, rows,
                                      times(b, groups, kFewRows));
  emitIf(b, isFew, [&] { launch(true); }, [&] { launch(false); });
}
