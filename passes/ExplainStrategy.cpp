// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of --explain. It asks the model again instead of keeping notes in
// the IR: the model is a function of the shapes and of the target description.

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "passes/SelectStrategy.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace moec;
using namespace moec::grouped;

static constexpr int64_t kTokens[] = {1, 8, 128, 2048};
static constexpr size_t kNumAlternatives = 2;

static void printTile(raw_ostream &stream, const Tile &tile) {
  stream << "rows " << tile.rows << ", depth " << tile.depth << ", panels "
         << tile.panels << ", task panels " << tile.taskPanels;
}

/// One line: a label, the tile, and a time for each token count.
static void printPrediction(raw_ostream &stream,
                            const TargetDescription &target,
                            const MatmulShape &shape, StringRef label,
                            const Tile &tile) {
  std::string text;
  llvm::raw_string_ostream(text) << "  " << label << ": ";
  llvm::raw_string_ostream tileStream(text);
  printTile(tileStream, tile);
  stream << llvm::format("%-68s", text.c_str());
  for (int64_t tokens : kTokens)
    stream << llvm::format(
        " %12.1f",
        1e6 * predictSeconds(target, shape, tile, tokens * shape.rowsPerToken));
  stream << '\n';
}

/// The best tiles for `tokens` that differ from `chosen` in how they block, not
/// only in how they split tasks.
static SmallVector<Tile> getAlternatives(const TargetDescription &target,
                                         const MatmulShape &shape,
                                         SmallVector<Tile> tiles,
                                         const Tile &chosen, int64_t tokens) {
  llvm::stable_sort(tiles, [&](const Tile &a, const Tile &b) {
    int64_t rows = tokens * shape.rowsPerToken;
    return predictSeconds(target, shape, a, rows) <
           predictSeconds(target, shape, b, rows);
  });
  SmallVector<Tile> alternatives{chosen};
  for (const Tile &tile : tiles) {
    if (alternatives.size() > kNumAlternatives)
      break;
    if (llvm::none_of(alternatives, [&](const Tile &known) {
          return known.rows == tile.rows && known.depth == tile.depth &&
                 known.panels == tile.panels;
        }))
      alternatives.push_back(tile);
  }
  alternatives.erase(alternatives.begin());
  return alternatives;
}

static void printHead(raw_ostream &stream, MatmulOp matmul,
                      const MatmulShape &shape) {
  stream << '\n';
  if (auto function = matmul->getParentOfType<FunctionOpInterface>())
    stream << function.getName() << ": ";
  if (auto load =
          matmul.getRhs()[0].getDefiningOp<ml_program::GlobalLoadConstOp>())
    stream << load.getGlobal().getRootReference().getValue();
  else
    stream << "matmul";
  stream << "\n  " << shape.parts << " x " << shape.columns
         << " columns, depth " << shape.depth << ", "
         << cast<ShapedType>(matmul.getRhs()[0].getType()).getElementType();
  if (matmul.isGrouped())
    stream << ", " << shape.groups << " groups, " << shape.rowsPerToken
           << " rows a token";
  if (matmul.getGather())
    stream << ", rows gathered";
  if (matmul.getReduce())
    stream << ", rows added to tokens";
  stream << '\n';
}

static void printMatmul(raw_ostream &stream, const TargetDescription &target,
                        MatmulOp matmul) {
  MatmulShape shape = getMatmulShape(matmul);
  printHead(stream, matmul, shape);
  if (std::optional<int64_t> rows = getKnownRows(matmul)) {
    bool nested = isNested(matmul);
    stream << "  blocks of " << *rows << " rows"
           << (nested ? " in a task of their own: " : ": ");
    printTile(stream, chooseTile(target, shape, *rows, nested));
    stream << '\n';
    return;
  }
  Strategy strategy = chooseStrategy(target, shape);
  stream << llvm::format("%-68s", "  predicted microseconds for tokens:");
  for (int64_t tokens : kTokens)
    stream << llvm::format(" %12lld", static_cast<long long>(tokens));
  stream << '\n';
  if (strategy.decode) {
    std::string label = "below " + std::to_string(strategy.threshold) + " rows";
    printPrediction(stream, target, shape, label, *strategy.decode);
    for (const Tile &tile :
         getAlternatives(target, shape, getDecodeTiles(shape), *strategy.decode,
                         kTokens[0]))
      printPrediction(stream, target, shape, "  instead of", tile);
  }
  printPrediction(stream, target, shape,
                  strategy.decode ? "otherwise" : "always", strategy.prefill);
  for (const Tile &tile :
       getAlternatives(target, shape, getPrefillTiles(target, shape),
                       strategy.prefill, kTokens[3]))
    printPrediction(stream, target, shape, "  instead of", tile);
}

/// Whether the matmul is the second of two variants, which the first stands
/// for.
static bool isSecondVariant(MatmulOp matmul) {
  auto choice = dyn_cast<scf::IfOp>(matmul->getParentOp());
  return choice && matmul.getTile() && !choice.getElseRegion().empty() &&
         matmul->getBlock() == choice.elseBlock();
}

void moec::explainStrategy(ModuleOp module, raw_ostream &stream) {
  FailureOr<TargetDescription> target = TargetDescription::get(module);
  if (failed(target))
    return;
  stream << "target " << target->level << ": " << target->cores << " cores, L1 "
         << target->l1Bytes / 1024 << " KiB, L2 " << target->l2Bytes / 1024
         << " KiB, "
         << llvm::format("%g GFLOP/s a core, %g GB/s", target->coreGflops,
                         target->readGbps)
         << '\n';
  module->walk([&](MatmulOp matmul) {
    if (isSecondVariant(matmul))
      return;
    if (matmul.getPanels()) {
      printMatmul(stream, *target, matmul);
      return;
    }
    stream << '\n';
    if (auto function = matmul->getParentOfType<FunctionOpInterface>())
      stream << function.getName() << ": ";
    stream << "matmul of weights that are not packed: plain loops\n";
  });
}
