// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Import, read the weights, interpret, compare with golden outputs: the way of
// a model's numbers without any code generation. Checkpoints are those of
// test/fixtures and examples/checkpoints, or those in the directory that the
// environment variable MOEC_FIXTURES names.

#include "dialects/grouped/Grouped.h"
#include "importers/Importer.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "reference/Reference.h"
#include "weights/ParameterStream.h"
#include "weights/encodings/Panels.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

using namespace moec;
using reference::Tensor;

namespace {

/// Directories with a config.json under a root.
std::vector<std::string> findCheckpoints() {
  std::vector<std::string> roots = {MOEC_SOURCE_DIR "/test/fixtures",
                                    MOEC_SOURCE_DIR "/examples/checkpoints"};
  if (const char *other = std::getenv("MOEC_FIXTURES"))
    roots = {other};
  std::vector<std::string> found;
  for (const std::string &root : roots) {
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(root, code), end;
         !code && it != end; it.increment(code))
      if (llvm::sys::fs::exists(it->path() + "/config.json"))
        found.push_back(it->path());
  }
  llvm::sort(found);
  return found;
}

std::vector<std::string> findGoldens(const std::string &checkpoint) {
  std::vector<std::string> names;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(checkpoint, code), end;
       !code && it != end; it.increment(code)) {
    llvm::StringRef name = llvm::sys::path::filename(it->path());
    if (name.starts_with("golden") && name.ends_with(".safetensors"))
      names.push_back(name.str());
  }
  llvm::sort(names);
  return names;
}

class Golden : public testing::TestWithParam<std::string> {
protected:
  Golden() : files(GetParam()) {}

  void SetUp() override {
    context.loadDialect<grouped::GroupedDialect>();
    auto imported = importModel(GetParam(), {ImportScope::Moe}, context);
    ASSERT_TRUE(static_cast<bool>(imported))
        << llvm::toString(imported.takeError());
    module = std::move(*imported);
    host.getParameter = [&](llvm::StringRef symbol, mlir::RankedTensorType type,
                            std::shared_ptr<const void> &value) {
      auto global = module->lookupSymbol<mlir::ml_program::GlobalOp>(symbol);
      auto bytes = readParameter(*global.getValue(), type, symbol, files);
      EXPECT_TRUE(static_cast<bool>(bytes));
      auto owner = std::make_shared<std::vector<char>>(std::move(*bytes));
      value = std::shared_ptr<const void>(owner, owner->data());
      return mlir::success();
    };
  }

  /// A tensor of a golden file as numbers.
  Tensor read(llvm::StringRef file, llvm::StringRef name) {
    auto source = files.find(file, name);
    EXPECT_TRUE(static_cast<bool>(source)) << name.str();
    std::vector<char> bytes(source->entry->size);
    EXPECT_FALSE(source->file->read(*source->entry, 0, bytes));
    return reference::fromBytes(getElementType(source->entry->dtype, &context),
                                source->entry->shape, bytes.data());
  }

  static void expectNear(const Tensor &got, const Tensor &wanted,
                         const std::string &what) {
    ASSERT_EQ(got.shape, wanted.shape) << what;
    for (auto [index, pair] :
         llvm::enumerate(llvm::zip(got.data, wanted.data))) {
      double golden = std::get<1>(pair).real;
      ASSERT_NEAR(std::get<0>(pair).real, golden,
                  1e-4 + 1e-4 * std::abs(golden))
          << what << " at " << index;
    }
  }

  /// Puts each row's ids in ascending order, and its weights alike.
  static void sortSlots(Tensor &ids, Tensor &weights) {
    int64_t slots = ids.shape[1];
    for (int64_t row = 0; row < ids.shape[0]; ++row) {
      std::vector<std::pair<int64_t, double>> pairs;
      for (int64_t slot = row * slots; slot < (row + 1) * slots; ++slot)
        pairs.push_back({ids.data[slot].integer, weights.data[slot].real});
      llvm::sort(pairs);
      for (auto [slot, pair] : llvm::enumerate(pairs)) {
        ids.data[row * slots + slot].integer = pair.first;
        weights.data[row * slots + slot].real = pair.second;
      }
    }
  }

  void check(const std::string &file, const std::string &layer) {
    llvm::SmallVector<Tensor> results;
    ASSERT_TRUE(mlir::succeeded(reference::runReference(
        *module, layer + ".moe", {read(file, layer + ".moe_in")}, host,
        results)));
    ASSERT_EQ(results.size(), 4u);
    std::string where = file + " " + layer;
    expectNear(results[0], read(file, layer + ".moe_out"), where + ".moe_out");
    expectNear(results[1], read(file, layer + ".router_logits"),
               where + ".router_logits");
    sortSlots(results[2], results[3]);
    Tensor ids = read(file, layer + ".topk_ids");
    ASSERT_EQ(results[2].shape, ids.shape);
    for (auto [got, wanted] : llvm::zip(results[2].data, ids.data))
      ASSERT_EQ(got.integer, wanted.integer) << where;
    expectNear(results[3], read(file, layer + ".topk_weights"),
               where + ".topk_weights");
  }

  mlir::MLIRContext context;
  SourceFiles files;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  reference::Host host;
};

TEST_P(Golden, everyLayerOfEveryCase) {
  std::vector<std::string> goldens = findGoldens(GetParam());
  ASSERT_FALSE(goldens.empty());
  for (const std::string &file : goldens) {
    auto opened = files.open(file);
    ASSERT_TRUE(static_cast<bool>(opened));
    unsigned layers = 0;
    for (const auto &tensor : (*opened)->getTensors())
      if (llvm::StringRef name = tensor.getKey();
          name.consume_back(".moe_in")) {
        check(file, name.str());
        ++layers;
      }
    auto functions = module->getOps<mlir::func::FuncOp>();
    EXPECT_EQ(layers, std::distance(functions.begin(), functions.end()));
  }
}

/// The bytes of a tensor, or of stacked tensors, straight from the checkpoint;
/// nothing for other expressions.
std::vector<char> readRaw(mlir::Attribute value, SourceFiles &files) {
  std::vector<char> bytes;
  if (auto source = mlir::dyn_cast<moe::SourceAttr>(value)) {
    auto tensor = files.find(source.getFile(), source.getTensor());
    bytes.resize(tensor->entry->size);
    EXPECT_FALSE(tensor->file->read(*tensor->entry, 0, bytes));
  } else if (auto expr = mlir::dyn_cast<moe::ExprAttr>(value);
             expr && expr.getKind() == moe::ExprKind::Stack) {
    for (mlir::Attribute operand : expr.getOperands())
      llvm::append_range(bytes, readRaw(operand, files));
  }
  return bytes;
}

TEST_P(Golden, packedWeightsUnpackToTheCheckpoint) {
  for (auto global : module->getOps<mlir::ml_program::GlobalOp>()) {
    auto type = mlir::cast<mlir::RankedTensorType>(global.getType());
    if (type.getRank() < 2) // vectors have no panels
      continue;
    llvm::StringRef name = global.getSymName();
    std::vector<char> wanted = readRaw(*global.getValue(), files);
    if (wanted.empty())
      wanted =
          llvm::cantFail(readParameter(*global.getValue(), type, name, files));
    int64_t rank = type.getRank();
    int64_t groups = rank == 3 ? type.getDimSize(0) : 1;
    PanelLayout layout{type.getDimSize(rank - 2), type.getDimSize(rank - 1),
                       type.getElementTypeBitWidth() / 8, 1};
    auto panels =
        grouped::PanelsAttr::get(&context, 1, layout.columns, layout.depth);
    auto packed = grouped::PackedAttr::get(&context, {global.getSymNameAttr()},
                                           {*global.getValue()}, panels,
                                           grouped::RhsLayout::NK);
    auto bytes =
        readParameter(packed,
                      mlir::RankedTensorType::get(
                          panels.getPackedShape(groups, type.getElementType()),
                          type.getElementType()),
                      name, files);
    ASSERT_TRUE(static_cast<bool>(bytes)) << llvm::toString(bytes.takeError());
    std::vector<char> got(wanted.size());
    int64_t matrixBytes = layout.columns * layout.depth * layout.elementSize;
    for (int64_t group = 0; group < groups; ++group)
      unpackPart(layout, bytes->data() + group * layout.groupBytes(), 0,
                 got.data() + group * matrixBytes);
    EXPECT_TRUE(got == wanted) << name.str();
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, Golden,
                         testing::ValuesIn(findCheckpoints()),
                         [](const testing::TestParamInfo<std::string> &info) {
                           std::string name =
                               llvm::sys::path::filename(info.param).str();
                           for (char &c : name)
                             if (!llvm::isAlnum(c))
                               c = '_';
                           return name;
                         });

} // namespace
