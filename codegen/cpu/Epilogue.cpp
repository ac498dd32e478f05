// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "dialects/grouped/Grouped.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace moec::cpu;

static AffineMap getMap(ArrayAttr maps, unsigned input) {
  return cast<AffineMapAttr>(maps[input]).getValue();
}

/// Indices of an input's element at `row` and `column`.
static SmallVector<Value> getIndices(ImplicitLocOpBuilder &b, AffineMap map,
                                     const RowPosition &row, Value column) {
  Value dims[] = {row.group, row.row, row.token, row.slot, column};
  SmallVector<Value> indices;
  for (AffineExpr result : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    indices.push_back(dim ? dims[dim.getPosition()] : index(b, 0));
  }
  return indices;
}

/// Whether the map has the column as its last result and nowhere else.
static bool hasColumnLast(AffineMap map) {
  unsigned uses = 0;
  for (AffineExpr result : map.getResults())
    uses += result.isFunctionOfDim(moec::grouped::Column);
  return uses == 1 &&
         map.getResults().back().isFunctionOfDim(moec::grouped::Column);
}

bool Epilogue::isVectorizable() const {
  for (Operation &op : body.without_terminator()) {
    if (isa<arith::ConstantOp>(op))
      continue;
    if (!OpTrait::hasElementwiseMappableTraits(&op) || op.getNumRegions() != 0)
      return false;
    for (Type type : op.getResultTypes())
      if (!VectorType::isValidElementType(type))
        return false;
  }
  return true;
}

void Epilogue::beginRow(ImplicitLocOpBuilder &b, const RowPosition &position) {
  row = position;
  rowValues.assign(inputs.size(), Value());
  for (unsigned i = 0; i < inputs.size(); ++i) {
    AffineMap map = getMap(maps, i);
    if (!map.isFunctionOfDim(moec::grouped::Column))
      rowValues[i] = memref::LoadOp::create(b, inputs[i],
                                            getIndices(b, map, row, Value()));
  }
}

Value Epilogue::load(ImplicitLocOpBuilder &b, unsigned input, Value column,
                     unsigned width) {
  AffineMap map = getMap(maps, input);
  Value source = inputs[input];
  Type element = cast<MemRefType>(source.getType()).getElementType();
  if (width == 0) {
    if (rowValues[input])
      return rowValues[input];
    return memref::LoadOp::create(b, source, getIndices(b, map, row, column));
  }
  auto type = VectorType::get(width, element);
  if (rowValues[input])
    return vector::BroadcastOp::create(b, type, rowValues[input]);
  // Vectors of i1 are packed bits in registers but bytes in memory.
  if (hasColumnLast(map) && hasUnitStride(source) && !element.isInteger(1))
    return vector::LoadOp::create(b, type, source,
                                  getIndices(b, map, row, column));
  SmallVector<Value> elements;
  for (unsigned lane = 0; lane < width; ++lane)
    elements.push_back(memref::LoadOp::create(
        b, source, getIndices(b, map, row, plus(b, column, lane))));
  return vector::FromElementsOp::create(b, type, elements);
}

Value Epilogue::emit(ImplicitLocOpBuilder &b, Value column, unsigned width,
                     ValueRange accumulators) {
  IRMapping mapping;
  mapping.map(body.getArguments().take_front(accumulators.size()),
              accumulators);
  for (unsigned i = 0; i < inputs.size(); ++i)
    mapping.map(body.getArgument(accumulators.size() + i),
                load(b, i, column, width));
  auto widen = [&](Value scalar) -> Value {
    Value mapped = mapping.lookupOrDefault(scalar);
    if (width == 0 || isa<VectorType>(mapped.getType()))
      return mapped;
    Value wide = vector::BroadcastOp::create(
        b, VectorType::get(width, mapped.getType()), mapped);
    mapping.map(scalar, wide);
    return wide;
  };
  for (Operation &op : body.without_terminator()) {
    bool wide = width != 0 && !isa<arith::ConstantOp>(op);
    if (wide)
      for (Value operand : op.getOperands())
        widen(operand);
    Operation *copy = b.clone(op, mapping);
    if (wide)
      for (Value result : copy->getResults())
        result.setType(VectorType::get(width, result.getType()));
  }
  return widen(body.getTerminator()->getOperand(0));
}
