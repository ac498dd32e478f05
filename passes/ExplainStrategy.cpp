// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of --explain. It asks the model again instead of keeping notes in
// the IR: the model is a function of the shapes and of the target description.

#include "dialects/grouped/TaskPanels.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "passes/SelectStrategy.h"
#include "llvm/Support/Format.h"
#include <functional>

using namespace mlir;
using namespace moec;
using namespace moec::grouped;

static constexpr int64_t kTokens[] = {1, 8, 128, 2048};
static constexpr size_t kNumAlternatives = 2;
/// Columns of a line before its times.
static constexpr int kWidth = 112;

static void printTile(raw_ostream &stream, const Tile &tile) {
  stream << "rows " << tile.rows << ", depth " << tile.depth << ", panels "
         << tile.panels << ", task panels " << tile.taskPanels;
}

static void printTile(raw_ostream &stream, const TilePair &tiles) {
  stream << "rows " << tiles.first.rows;
  auto print = [&](StringRef name, const Tile &tile) {
    stream << "; " << name << " depth " << tile.depth << ", panels "
           << tile.panels << ", task panels " << tile.taskPanels;
  };
  print("first", tiles.first);
  print("second", tiles.second);
}

namespace {
/// A kernel (one matmul or two in waves) as the model sees it.
template <typename Choice> struct Kernel {
  const TargetDescription &target;
  std::function<double(const Choice &, int64_t rows)> predict;
  int64_t rowsPerToken;

  double predictTokens(const Choice &choice, int64_t tokens) const {
    return predict(choice, tokens * rowsPerToken);
  }
  /// One line: a label, the choice, and a time for each token count.
  void print(raw_ostream &stream, StringRef label, const Choice &choice) const {
    std::string text;
    llvm::raw_string_ostream line(text);
    line << "  " << label << ": ";
    printTile(line, choice);
    stream << llvm::format("%-*s", kWidth, text.c_str());
    for (int64_t tokens : kTokens)
      stream << llvm::format(" %12.1f", 1e6 * predictTokens(choice, tokens));
    stream << '\n';
  }
  void printHead(raw_ostream &stream) const {
    stream << llvm::format("%-*s", kWidth,
                           "  predicted microseconds for tokens:");
    for (int64_t tokens : kTokens)
      stream << llvm::format(" %12lld", static_cast<long long>(tokens));
    stream << '\n';
  }
  /// The choice and the best others for `tokens` that `differ` from it.
  void printWithAlternatives(
      raw_ostream &stream, StringRef label, const Choice &chosen,
      std::vector<Choice> others, int64_t tokens,
      llvm::function_ref<bool(const Choice &, const Choice &)> differ) const {
    print(stream, label, chosen);
    std::vector<std::pair<double, size_t>> order;
    for (auto [index, choice] : llvm::enumerate(others))
      order.push_back({predictTokens(choice, tokens), index});
    llvm::sort(order);
    std::vector<Choice> printed{chosen};
    for (auto [seconds, index] : order) {
      if (printed.size() > kNumAlternatives)
        break;
      if (!llvm::all_of(printed, [&, index = index](const Choice &known) {
            return differ(known, others[index]);
          }))
        continue;
      printed.push_back(others[index]);
      print(stream, "  instead of", others[index]);
    }
  }
};
} // namespace

/// Whether tiles differ in how they block, not only in how they split tasks.
static bool blockDiffers(const Tile &a, const Tile &b) {
  return a.rows != b.rows || a.depth != b.depth || a.panels != b.panels;
}

static bool pairDiffers(const TilePair &a, const TilePair &b) {
  return blockDiffers(a.first, b.first) || blockDiffers(a.second, b.second);
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
  if (shape.isRowMajor) {
    stream << ", row-major\n  ";
    if (shape.hasDotTiles)
      stream << "tiles of at most " << kStreamedRows
             << " rows read the weights as they stand, larger ones ";
    stream << "panels that each task makes";
  }
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
  Kernel<Tile> kernel{target,
                      [&](const Tile &tile, int64_t rows) {
                        return predictSeconds(target, shape, tile, rows);
                      },
                      shape.rowsPerToken};
  kernel.printHead(stream);
  if (strategy.decode)
    kernel.printWithAlternatives(
        stream, "below " + std::to_string(strategy.threshold) + " rows",
        *strategy.decode, getDecodeTiles(shape), kTokens[0], blockDiffers);
  kernel.printWithAlternatives(stream, strategy.decode ? "otherwise" : "always",
                               strategy.prefill, getPrefillTiles(target, shape),
                               kTokens[3], blockDiffers);
}

static void printPair(raw_ostream &stream, const TargetDescription &target,
                      MatmulOp first, MatmulOp second) {
  MatmulShape one = getMatmulShape(first), two = getMatmulShape(second);
  printHead(stream, first, one);
  printHead(stream, second, two);
  PairStrategy strategy = choosePair(target, one, two);
  stream << "  together, in waves of " << strategy.waveRows << " rows\n";
  Kernel<TilePair> kernel{target,
                          [&](const TilePair &tiles, int64_t rows) {
                            return predictSeconds(target, one, two, tiles,
                                                  rows);
                          },
                          one.rowsPerToken};
  kernel.printHead(stream);
  kernel.printWithAlternatives(
      stream, "below " + std::to_string(strategy.threshold) + " rows",
      strategy.decode, getDecodePairs(one, two), kTokens[0], pairDiffers);
  kernel.printWithAlternatives(stream, "otherwise", strategy.prefill,
                               getPrefillPairs(target, one, two), kTokens[3],
                               pairDiffers);
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
    if (getFirstOfWaves(matmul))
      return; // printed with the first
    for (Operation *user : matmul->getUsers())
      if (auto second = dyn_cast<MatmulOp>(user);
          second && getFirstOfWaves(second) == matmul)
        return printPair(stream, *target, matmul, second);
    if (getTaskPanels(matmul)) {
      printMatmul(stream, *target, matmul);
      return;
    }
    stream << '\n';
    if (auto function = matmul->getParentOfType<FunctionOpInterface>())
      stream << function.getName() << ": ";
    stream << "matmul of weights without panels: plain loops\n";
  });
}
