// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All that a new policy needs: its parameters, its meaning and its code. The
// dialect around it is only there because it stands outside of `moe`.

#include "test/lib/TestPolicy.h"
#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/DialectImplementation.h"
#include <optional>

using namespace mlir;
using namespace moec::moe;

namespace {
struct BottomKStorage : AttributeStorage {
  using KeyTy = int64_t;
  explicit BottomKStorage(int64_t k) : k(k) {}
  bool operator==(KeyTy key) const { return key == k; }
  static BottomKStorage *construct(AttributeStorageAllocator &allocator,
                                   KeyTy key) {
    return new (allocator.allocate<BottomKStorage>()) BottomKStorage(key);
  }
  int64_t k;
};

/// The lowest scores win; equal ones by id, NaN never.
class BottomKAttr
    : public Attribute::AttrBase<BottomKAttr, Attribute, BottomKStorage,
                                 SelectionPolicyInterface::Trait> {
public:
  using Base::Base;
  static constexpr StringLiteral name = "test.bottom_k";

  int64_t getMaxSlots(ArrayRef<int64_t>) const { return getImpl()->k; }

  LogicalResult verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                             ArrayRef<int64_t>) const {
    if (getImpl()->k < 1)
      return emitError() << "bottom_k expects k >= 1, got " << getImpl()->k;
    return success();
  }

  void selectRow(ReferenceRow &row) const {
    SmallVector<double> negated =
        llvm::map_to_vector(row.scores[0], [](double score) { return -score; });
    llvm::fill(row.ids, -1);
    llvm::copy(rank(negated, row.mask, getImpl()->k), row.ids.begin());
  }

  void buildRow(OpBuilder &builder, Location loc,
                const RowOperands &row) const {
    Value scores = row.scores[0];
    buildRanking(
        builder, loc, builder.createOrFold<memref::DimOp>(loc, scores, 0),
        getImpl()->k, getRankingType(scores),
        [&](OpBuilder &b, Location loc, Value expert) -> Candidate {
          Value score = loadScore(b, loc, scores, expert);
          return {arith::NegFOp::create(b, loc, score),
                  loadMask(b, loc, row.mask, expert)};
        },
        /*init=*/{},
        [&](OpBuilder &b, Location loc, const Winner &winner,
            ValueRange) -> SmallVector<Value> {
          storeId(b, loc, row.ids, winner);
          return {};
        });
  }
};

class TestDialect : public Dialect {
public:
  explicit TestDialect(MLIRContext *context)
      : Dialect(getDialectNamespace(), context, TypeID::get<TestDialect>()) {
    addAttributes<BottomKAttr>();
  }
  static constexpr StringLiteral getDialectNamespace() { return "test"; }

  Attribute parseAttribute(DialectAsmParser &parser, Type) const override {
    int64_t k;
    if (parser.parseKeyword("bottom_k") || parser.parseLess() ||
        parser.parseInteger(k) || parser.parseGreater())
      return {};
    return BottomKAttr::get(getContext(), k);
  }

  void printAttribute(Attribute attribute,
                      DialectAsmPrinter &printer) const override {
    SmallVector<int64_t, 0> widths;
    printer << "bottom_k<" << cast<BottomKAttr>(attribute).getMaxSlots(widths)
            << ">";
  }
};
} // namespace

MLIR_DECLARE_EXPLICIT_TYPE_ID(TestDialect)
MLIR_DEFINE_EXPLICIT_TYPE_ID(TestDialect)
MLIR_DECLARE_EXPLICIT_TYPE_ID(BottomKAttr)
MLIR_DEFINE_EXPLICIT_TYPE_ID(BottomKAttr)

void moec::test::registerTestPolicy(DialectRegistry &registry) {
  registry.insert<TestDialect>();
}
