// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/MutateGraph.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace moec::test {

static bool hasDynamicRows(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.isDynamicDim(0);
}
static bool hasStaticRows(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && !tensor.isDynamicDim(0);
}

namespace {
class Mutator {
public:
  Mutator(ModuleOp module, std::mt19937 &random)
      : module(module), builder(module.getContext()), random(random) {}

  std::string mutate() {
    SmallVector<Operation *> operations;
    module.walk([&](Operation *op) {
      if (isa<moe::MoeDialect>(op->getDialect()))
        operations.push_back(op);
    });
    if (operations.empty())
      return "";
    op = operations[pick(operations.size())];
    switch (pick(4)) {
    case 0:
      return mutateType();
    case 1:
      return mutateOperand();
    case 2:
      return mutateAttribute();
    default:
      return mutateRegion();
    }
  }

private:
  size_t pick(size_t count) { return random() % count; }

  /// "changes WHAT of OP from A to B".
  template <typename A, typename B> std::string say(Twine what, A from, B to) {
    std::string text;
    llvm::raw_string_ostream(text)
        << what << " of " << op->getName() << " from " << from << " to " << to;
    return text;
  }

  /// Another type like `type`, or none.
  Type drawType(Type type) {
    return llvm::TypeSwitch<Type, Type>(type)
        .Case([&](moe::PlanType plan) -> Type {
          int64_t experts = plan.getExperts(), slots = plan.getSlots();
          int64_t &number = pick(2) ? experts : slots;
          number += pick(2) && number > 1 ? -1 : 1;
          return moe::PlanType::get(type.getContext(), experts, slots);
        })
        .Case([&](RankedTensorType tensor) -> Type {
          SmallVector<int64_t> shape(tensor.getShape());
          switch (pick(4)) {
          case 0:
            return tensor.clone(drawElement(tensor.getElementType()));
          case 1:
            shape.push_back(2);
            break;
          case 2:
            if (shape.size() == 1)
              return Type();
            shape.pop_back();
            break;
          default: {
            // A dynamic size is any size: to fix it is not wrong.
            int64_t &size = shape[pick(shape.size())];
            if (ShapedType::isDynamic(size))
              return Type();
            size = pick(2) ? size + 1 : ShapedType::kDynamic;
          }
          }
          return tensor.clone(shape);
        })
        .Case([&](IndexType) -> Type { return builder.getI32Type(); })
        .Default([](Type) { return Type(); });
  }
  Type drawElement(Type element) {
    Type others[] = {builder.getF32Type(), builder.getI32Type(),
                     builder.getI1Type(), builder.getI64Type()};
    Type other = others[pick(4)];
    return other == element ? Type(builder.getF64Type()) : other;
  }

  std::string retype(Value value, StringRef what) {
    Type from = value.getType(), to = drawType(from);
    if (!to)
      return "";
    value.setType(to);
    return say(what, from, to);
  }

  std::string mutateType() {
    if (op->getNumResults() == 0)
      return "";
    return retype(op->getResult(pick(op->getNumResults())), "a result's type");
  }

  std::string mutateOperand() {
    if (op->getNumOperands() == 0)
      return "";
    OpOperand &operand = op->getOpOperand(pick(op->getNumOperands()));
    Type type = operand.get().getType();
    SmallVector<Value> others;
    // Where there are dynamic sizes, static ones are not wrong: some numbers of
    // tokens have them.
    auto consider = [&](Value value) {
      if (value.getType() != type &&
          !(hasDynamicRows(type) && hasStaticRows(value.getType())))
        others.push_back(value);
    };
    for (Operation *before = op->getPrevNode(); before;
         before = before->getPrevNode())
      llvm::for_each(before->getResults(), consider);
    llvm::for_each(op->getBlock()->getArguments(), consider);
    if (others.empty())
      return "";
    Value other = others[pick(others.size())];
    operand.set(other);
    return say("an operand's type", type, other.getType());
  }

  std::string mutateRegion() {
    auto bank = dyn_cast<moe::ExpertsOp>(op);
    if (!bank)
      return "";
    Block &body = bank->getRegion(pick(bank->getNumRegions())).front();
    Location loc = op->getLoc();
    switch (pick(3)) {
    case 0:
      body.addArgument(builder.getIndexType(), loc);
      return say("number of a region's arguments", body.getNumArguments() - 1,
                 body.getNumArguments());
    case 1: {
      Operation *yield = body.getTerminator();
      yield->setOperands(ValueRange());
      return say("number of yielded values", 1, 0);
    }
    default:
      return retype(body.getArgument(pick(body.getNumArguments())),
                    "the type of a region's argument");
    }
  }

  std::string mutateAttribute() {
    NamedAttrList attributes(op->getAttrDictionary());
    if (attributes.empty())
      return "";
    NamedAttribute named =
        attributes.getAttrs()[pick(attributes.getAttrs().size())];
    Attribute to = drawAttribute(named.getValue());
    if (!to || named.getName() == "operandSegmentSizes")
      return "";
    op->setAttr(named.getName(), to);
    return say(named.getName().strref(), named.getValue(), to);
  }

  Attribute drawAttribute(Attribute from) {
    return llvm::TypeSwitch<Attribute, Attribute>(from)
        .Case([&](moe::SelectionPolicyInterface) { return drawPolicy(); })
        .Case([&](DenseI32ArrayAttr array) -> Attribute {
          SmallVector<int32_t> values(array.asArrayRef());
          switch (pick(3)) {
          case 0:
            values.push_back(0);
            break;
          case 1:
            values.pop_back();
            break;
          default:
            values[pick(values.size())] = pick(2) ? -2 : 1000;
          }
          return builder.getDenseI32ArrayAttr(values);
        })
        .Case([&](FloatAttr) -> Attribute {
          const double values[] = {-1.0, 0.0, 1e30, NAN};
          return builder.getF64FloatAttr(values[pick(4)]);
        })
        .Case([&](StringAttr) { return builder.getStringAttr(""); })
        .Case([&](IntegerAttr number) -> Attribute {
          // Enumerations are of this kind, too: they have no other values.
          if (!number.getType().isInteger(64))
            return {};
          const int64_t values[] = {0, -1, int64_t(1) << 40};
          return builder.getI64IntegerAttr(values[pick(3)]);
        })
        .Default([](Attribute) { return Attribute(); });
  }

  Attribute drawPolicy() {
    int64_t k = 1 + pick(4);
    MLIRContext *context = op->getContext();
    switch (pick(3)) {
    case 0:
      return moe::TopKAttr::get(context, k, k);
    case 1:
      return moe::TopKAttr::get(context, -1, k);
    default:
      return moe::TopKAttr::get(context, 1000, 1000);
    }
  }

  ModuleOp module;
  OpBuilder builder;
  std::mt19937 &random;
  Operation *op = nullptr;
};
} // namespace

std::string mutateGraph(ModuleOp module, std::mt19937 &random) {
  return Mutator(module, random).mutate();
}

} // namespace moec::test
