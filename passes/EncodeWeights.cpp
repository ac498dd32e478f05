// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
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

namespace {
/// Encodes matmuls of one module.
class Encoder {
public:
  explicit Encoder(ModuleOp module)
      : module(module), context(module.getContext()), symbols(module) {}

  void encode(MatmulOp matmul);
  /// Erases the globals that only packed matmuls read.
  void eraseUnused();

private:
  std::optional<StringRef> collectGlobals(MatmulOp matmul,
                                          SmallVectorImpl<GlobalOp> &globals);
  GlobalOp getPacked(ArrayRef<GlobalOp> globals, PanelsAttr panels,
                     RhsLayout layout, RankedTensorType type);

  ModuleOp module;
  MLIRContext *context;
  SymbolTable symbols;
  DenseMap<Attribute, GlobalOp> packedGlobals;
  /// Globals that are a part of a packed one.
  llvm::SetVector<Operation *> originals;
};

struct EncodeWeights : moec::impl::MoeEncodeWeightsPassBase<EncodeWeights> {
  void runOnOperation() override {
    Encoder encoder(getOperation());
    getOperation()->walk([&](MatmulOp matmul) {
      if (!matmul.getPanels())
        encoder.encode(matmul);
    });
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
  auto panels = PanelsAttr::get(context, globals.size(), columns, depth);
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
    Type element = type.getElementType();
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

void Encoder::eraseUnused() {
  for (Operation *original : originals) {
    auto global = cast<GlobalOp>(original);
    if (global.isPrivate() && SymbolTable::symbolKnownUseEmpty(global, module))
      symbols.erase(global);
  }
}
