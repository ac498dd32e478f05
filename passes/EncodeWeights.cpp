// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEENCODEWEIGHTSPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec::grouped;
using ml_program::GlobalLoadConstOp;
using ml_program::GlobalOp;

/// The kinds of value that the packer evaluates.
static bool isPackable(Attribute value) {
  return isa_and_nonnull<moec::moe::SourceAttr, moec::moe::ExprAttr,
                         moec::moe::QuantizedAttr, moec::moe::RandomAttr>(
      value);
}

/// The blocks of a stored format, or null where it has none to keep.
static BlocksAttr getBlocks(moec::moe::QuantizedAttr value) {
  using moec::moe::QuantizedFormat;
  auto blocks = [&](BlockCode code, int64_t size, bool half, bool offset) {
    return size % 4
               ? BlocksAttr()
               : BlocksAttr::get(value.getContext(), code, size, half, offset);
  };
  size_t operands = value.getOperands().size();
  switch (value.getFormat()) {
  case QuantizedFormat::Float:
    return {};
  case QuantizedFormat::Fp8E4M3:
    return blocks(BlockCode::E4M3, value.getBlock()[1], false, false);
  case QuantizedFormat::Mxfp4:
  case QuantizedFormat::GgmlMxfp4:
    return blocks(BlockCode::E2M1, 32, false, false);
  case QuantizedFormat::Gptq:
  case QuantizedFormat::GptqV2:
    // With g_idx neighbours have different scales.
    if (operands == 4)
      return {};
    [[fallthrough]];
  case QuantizedFormat::Awq:
    return blocks(BlockCode::UInt4, value.getBlock()[0], false, true);
  case QuantizedFormat::Int4Packed:
    return blocks(operands == 3 ? BlockCode::UInt4 : BlockCode::Int4,
                  value.getBlock()[0], false, operands == 3);
  case QuantizedFormat::UintPacked: {
    bool offset = operands == 3;
    BlockCode code = value.getBlock()[1] == 8 ? BlockCode::Int8
                     : offset                 ? BlockCode::UInt4
                                              : BlockCode::Int4;
    return blocks(code, value.getBlock()[0], false, offset);
  }
  case QuantizedFormat::Q8_0:
    return blocks(BlockCode::Int8, 32, true, false);
  case QuantizedFormat::Q4_0:
    return blocks(BlockCode::Int4, 32, true, false);
  case QuantizedFormat::Q4K:
    return blocks(BlockCode::UInt4, 32, false, true);
  case QuantizedFormat::Q5K:
    return blocks(BlockCode::Int8, 32, false, true);
  case QuantizedFormat::Q6K:
    return blocks(BlockCode::Int8, 16, false, false);
  }
  llvm_unreachable("unknown format");
}

/// The blocks that all tensors of `value` have, if it leaves rows whole.
static BlocksAttr getBlocks(Attribute value, int64_t rank) {
  if (auto quantized = dyn_cast<moec::moe::QuantizedAttr>(value))
    return getBlocks(quantized);
  auto expr = dyn_cast<moec::moe::ExprAttr>(value);
  if (!expr)
    return {};
  bool stack = expr.getKind() == moec::moe::ExprKind::Stack;
  bool rows = (expr.getKind() == moec::moe::ExprKind::Concat ||
               expr.getKind() == moec::moe::ExprKind::Slice) &&
              expr.getDims()[0] != rank - 1;
  if (!stack && !rows)
    return {};
  BlocksAttr common;
  for (Attribute operand : expr.getOperands()) {
    BlocksAttr blocks = getBlocks(operand, rank - stack);
    if (!blocks || (common && blocks != common))
      return {};
    common = blocks;
  }
  return common;
}

namespace {
/// Encodes matmuls of one module.
class Encoder {
public:
  Encoder(ModuleOp module, BlocksAttr quantize)
      : module(module), context(module.getContext()), quantize(quantize),
        symbols(module) {}

  void encode(MatmulOp matmul);
  /// Takes elements that are read one by one out of the panels, too.
  void readElements();
  /// Erases the globals that only packed matmuls read.
  void eraseUnused();

private:
  std::optional<StringRef> collectGlobals(MatmulOp matmul,
                                          SmallVectorImpl<GlobalOp> &globals);
  GlobalOp getPacked(ArrayRef<GlobalOp> globals, PanelsAttr panels,
                     RhsLayout layout, RankedTensorType type);

  BlocksAttr chooseBlocks(MatmulOp matmul, ArrayRef<GlobalOp> globals);
  void readElements(GlobalOp original, GlobalOp packed);

  ModuleOp module;
  MLIRContext *context;
  /// What floats become, or null.
  BlocksAttr quantize;
  SymbolTable symbols;
  DenseMap<Attribute, GlobalOp> packedGlobals;
  /// Globals that are a part of a packed one.
  llvm::SetVector<Operation *> originals;
};

struct EncodeWeights : moec::impl::MoeEncodeWeightsPassBase<EncodeWeights> {
  using MoeEncodeWeightsPassBase::MoeEncodeWeightsPassBase;

  void runOnOperation() override {
    BlocksAttr blocks;
    if (quantize == "q8_0")
      blocks = BlocksAttr::get(&getContext(), BlockCode::Int8, 32, true, false);
    else if (quantize == "q4_0")
      blocks = BlocksAttr::get(&getContext(), BlockCode::Int4, 32, true, false);
    else if (!quantize.empty()) {
      getOperation().emitError("expects quantize to be q8_0 or q4_0, got ")
          << quantize;
      return signalPassFailure();
    }
    Encoder encoder(getOperation(), blocks);
    getOperation()->walk([&](MatmulOp matmul) {
      if (!matmul.getPanels())
        encoder.encode(matmul);
    });
    encoder.readElements();
    encoder.eraseUnused();
  }
};
} // namespace

/// Why the matmul's weights stay as they are, or nothing; fills `globals`.
std::optional<StringRef>
Encoder::collectGlobals(MatmulOp matmul, SmallVectorImpl<GlobalOp> &globals) {
  if (matmul.getRhs().size() > 2)
    return "more than two weights";
  // A reader of the artifact takes parts as [columns, depth] out of panels.
  if (matmul.getLayout() == RhsLayout::KN)
    return "weights of layout [depth, columns]";
  auto type = dyn_cast<RankedTensorType>(matmul.getRhs()[0].getType());
  if (!type || !type.hasStaticShape())
    return "weights of dynamic shape";
  Type element = type.getElementType();
  if (!element.isF32() && !element.isBF16() && !element.isF16())
    return "elements other than f32, bf16 and f16";
  for (Value weight : matmul.getRhs()) {
    auto load = weight.getDefiningOp<GlobalLoadConstOp>();
    auto global = load ? symbols.lookup<GlobalOp>(
                             load.getGlobal().getRootReference().getValue())
                       : nullptr;
    if (weight.getDefiningOp<ml_program::GlobalLoadOp>())
      return "a weight that the host may change";
    if (!global)
      return "a weight that is computed";
    if (!isPackable(global.getValueAttr()))
      return "a weight without a known value";
    globals.push_back(global);
  }
  return std::nullopt;
}

/// The blocks that the globals' weights are stored in, or null.
BlocksAttr Encoder::chooseBlocks(MatmulOp matmul, ArrayRef<GlobalOp> globals) {
  GlobalOp front = globals.front();
  auto type = cast<RankedTensorType>(front.getType());
  BlocksAttr common;
  bool mixed = false;
  for (GlobalOp global : globals) {
    BlocksAttr blocks = getBlocks(global.getValueAttr(), type.getRank());
    mixed |= common && blocks != common;
    common = blocks;
  }
  // Experts only: routers and gates are small, and decide.
  if (!common && matmul.isGrouped())
    common = quantize;
  if (!common || mixed)
    return {};
  if (type.getShape().back() % common.getSize() != 0) {
    matmul.emitRemark("weights stay floats: a depth of ")
        << type.getShape().back() << " is not whole blocks of "
        << common.getSize();
    return {};
  }
  return common;
}

void Encoder::encode(MatmulOp matmul) {
  SmallVector<GlobalOp> globals;
  if (std::optional<StringRef> reason = collectGlobals(matmul, globals)) {
    matmul.emitRemark("weights stay unpacked: ") << *reason;
    return;
  }
  auto type = cast<RankedTensorType>(matmul.getRhs()[0].getType());
  int64_t rank = type.getRank();
  int64_t columns = type.getDimSize(rank - 2);
  int64_t depth = type.getDimSize(rank - 1);
  auto panels = PanelsAttr::get(context, globals.size(), columns, depth,
                                chooseBlocks(matmul, globals));
  GlobalOp packed = getPacked(globals, panels, matmul.getLayout(), type);

  OpBuilder builder(matmul);
  auto load = GlobalLoadConstOp::create(
      builder, matmul.getLoc(), packed.getType(),
      FlatSymbolRefAttr::get(packed.getSymNameAttr()));
  SmallVector<Operation *> oldLoads;
  for (Value weight : matmul.getRhs())
    oldLoads.push_back(weight.getDefiningOp());
  matmul.getRhsMutable().assign(load.getResult());
  matmul.setPanelsAttr(panels);
  matmul.setLayout(RhsLayout::NK);
  llvm::sort(oldLoads);
  oldLoads.erase(llvm::unique(oldLoads), oldLoads.end());
  for (Operation *oldLoad : oldLoads)
    if (oldLoad->use_empty())
      oldLoad->erase();
}

/// The global that holds these weights packed, made on first use.
GlobalOp Encoder::getPacked(ArrayRef<GlobalOp> globals, PanelsAttr panels,
                            RhsLayout layout, RankedTensorType type) {
  SmallVector<StringAttr> names;
  SmallVector<Attribute> values;
  std::string name;
  for (GlobalOp global : globals) {
    names.push_back(global.getSymNameAttr());
    values.push_back(global.getValueAttr());
    name += (name.empty() ? "" : "|") + global.getSymName().str();
    originals.insert(global);
  }
  name += ".packed";
  Attribute value = PackedAttr::get(context, names, values, panels, layout);
  GlobalOp &packed = packedGlobals[value];
  if (!packed) {
    int64_t groups = type.getRank() == 3 ? type.getDimSize(0) : 1;
    Type element = panels.getBlocks() ? IntegerType::get(context, 8)
                                      : type.getElementType();
    GlobalOp first = globals.front();
    OpBuilder builder(first);
    packed = GlobalOp::create(
        builder, first.getLoc(), name,
        RankedTensorType::get(panels.getPackedShape(groups, element), element),
        /*is_mutable=*/false, value, builder.getStringAttr("private"));
    symbols.insert(packed);
  }
  return packed;
}

/// Element [row, column] of panels [1, NP, K / g, 16, g].
static Value readPanels(tensor::ExtractOp extract, Value panels) {
  ImplicitLocOpBuilder b(extract.getLoc(), extract);
  auto shape = cast<RankedTensorType>(panels.getType()).getShape();
  auto split = [&](Value index, int64_t size) -> std::pair<Value, Value> {
    Value by = arith::ConstantIndexOp::create(b, size);
    return {arith::DivUIOp::create(b, index, by),
            arith::RemUIOp::create(b, index, by)};
  };
  auto [panel, lane] = split(extract.getIndices()[0], shape[3]);
  auto [group, within] = split(extract.getIndices()[1], shape[4]);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  return tensor::ExtractOp::create(
      b, panels, ValueRange{zero, panel, group, lane, within});
}

void Encoder::readElements(GlobalOp original, GlobalOp packed) {
  auto uses = SymbolTable::getSymbolUses(original, module);
  SmallVector<GlobalLoadConstOp> loads;
  for (SymbolTable::SymbolUse use : *uses) {
    auto load = dyn_cast<GlobalLoadConstOp>(use.getUser());
    if (!load || !llvm::all_of(load->getUsers(), [](Operation *user) {
          return isa<tensor::ExtractOp>(user);
        }))
      return;
    loads.push_back(load);
  }
  for (GlobalLoadConstOp load : loads) {
    OpBuilder builder(load);
    Value panels = GlobalLoadConstOp::create(
        builder, load.getLoc(), packed.getType(),
        FlatSymbolRefAttr::get(packed.getSymNameAttr()));
    for (Operation *user : llvm::make_early_inc_range(load->getUsers())) {
      auto extract = cast<tensor::ExtractOp>(user);
      extract.replaceAllUsesWith(readPanels(extract, panels));
      extract.erase();
    }
    load.erase();
  }
}

void Encoder::readElements() {
  for (Operation *op : originals) {
    auto original = cast<GlobalOp>(op);
    if (cast<RankedTensorType>(original.getType()).getRank() != 2)
      continue;
    for (auto &[value, packed] : packedGlobals) {
      auto attr = cast<PackedAttr>(value);
      // Blocks would have to be decoded, and two parts share panels.
      if (attr.getNames().size() == 1 && !attr.getPanels().getBlocks() &&
          attr.getNames()[0] == original.getSymNameAttr()) {
        readElements(original, packed);
        break;
      }
    }
  }
}

void Encoder::eraseUnused() {
  for (Operation *original : originals) {
    auto global = cast<GlobalOp>(original);
    if (global.isPrivate() && SymbolTable::symbolKnownUseEmpty(global, module))
      symbols.erase(global);
  }
}
