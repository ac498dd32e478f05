// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The frame that the files of this folder fill with operations, a dialect each.

#ifndef MOEC_REFERENCE_INTERPRETER_H
#define MOEC_REFERENCE_INTERPRETER_H

#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "reference/Reference.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace moec::reference {

class Interpreter {
public:
  Interpreter(mlir::ModuleOp module, const Host &host)
      : module(module), symbols(module), host(host) {}

  const Host &getHost() const { return host; }

  /// Calls a function with a body.
  llvm::LogicalResult call(mlir::func::FuncOp function,
                           llvm::ArrayRef<RuntimeValue> arguments,
                           llvm::SmallVectorImpl<RuntimeValue> &results);

  /// Binds the block's arguments, runs its operations and reads the operands of
  /// its terminator. Names of enclosing blocks stay visible.
  llvm::LogicalResult runBlock(mlir::Block &block,
                               llvm::ArrayRef<RuntimeValue> arguments,
                               llvm::SmallVectorImpl<RuntimeValue> &yielded);

  /// Runs the operations of a block up to its terminator.
  llvm::LogicalResult runBody(mlir::Block &block,
                              llvm::ArrayRef<RuntimeValue> arguments);

  llvm::LogicalResult run(mlir::Operation *op);

  /// The value of a name; a parameter is decoded.
  const RuntimeValue &get(mlir::Value value);
  /// The bytes behind a name that still is a parameter, or null.
  const Parameter *getParameter(mlir::Value value) {
    return frame->lookup(value).parameter.get();
  }
  Scalar getScalar(mlir::Value value) { return get(value).scalar; }
  int64_t getInteger(mlir::Value value) { return get(value).scalar.integer; }
  const Tensor &getTensor(mlir::Value value) { return *get(value).tensor; }
  llvm::SmallVector<RuntimeValue> getAll(mlir::ValueRange values);
  /// The sizes that static entries and operands name together.
  llvm::SmallVector<int64_t> getSizes(llvm::ArrayRef<mlir::OpFoldResult> sizes);

  void set(mlir::Value value, RuntimeValue result) {
    frame->names[value] = std::move(result);
  }
  /// Rounds to the value's type, but for floats inside a linalg body.
  void setScalar(mlir::Value value, Scalar result);
  /// Rounds to the element type likewise.
  void setTensor(mlir::Value value, Tensor result);

  /// The value of a global, asked from the host where it is a parameter.
  llvm::LogicalResult loadGlobal(mlir::Operation *user,
                                 mlir::SymbolRefAttr name, RuntimeValue &value);
  llvm::LogicalResult storeGlobal(mlir::Operation *user,
                                  mlir::SymbolRefAttr name, RuntimeValue value);
  /// Sizes of the arguments' named dimensions become those of states.
  void bindSizes(mlir::func::FuncOp function,
                 llvm::ArrayRef<RuntimeValue> arguments);
  mlir::func::FuncOp lookupFunction(llvm::StringRef name) {
    return symbols.lookup<mlir::func::FuncOp>(name);
  }

  /// While one lives, float results are not rounded (the body of a linalg
  /// operation is one operation).
  struct Unrounded {
    explicit Unrounded(Interpreter &interpreter)
        : interpreter(interpreter), before(interpreter.rounds) {
      interpreter.rounds = false;
    }
    ~Unrounded() { interpreter.rounds = before; }
    Interpreter &interpreter;
    bool before;
  };

private:
  /// Names of one call.
  struct Frame {
    llvm::DenseMap<mlir::Value, RuntimeValue> names;
    RuntimeValue &lookup(mlir::Value value) {
      auto found = names.find(value);
      assert(found != names.end() && "operand without a value");
      return found->second;
    }
  };

  /// The value of a session's state: as the host keeps it, or zeros.
  std::shared_ptr<Tensor> getState(llvm::StringRef symbol, moe::StateAttr state,
                                   mlir::Type type);

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  const Host &host;
  Frame *frame = nullptr;
  unsigned depth = 0;
  bool rounds = true;
  llvm::StringMap<RuntimeValue> globals;
  llvm::StringMap<int64_t> sizes; ///< of dimensions, by name
};

/// What runs one operation.
using Handler =
    std::function<llvm::LogicalResult(Interpreter &, mlir::Operation *)>;

/// All operations by name; each file adds its own.
class Handlers {
public:
  template <typename OpTy>
  void add(llvm::LogicalResult (*run)(Interpreter &, OpTy)) {
    byName[OpTy::getOperationName()] = [run](Interpreter &interpreter,
                                             mlir::Operation *op) {
      return run(interpreter, llvm::cast<OpTy>(op));
    };
  }
  /// Null where the name is unknown.
  const Handler *lookup(llvm::StringRef name) const {
    auto found = byName.find(name);
    return found == byName.end() ? nullptr : &found->second;
  }

private:
  llvm::StringMap<Handler> byName;
};

void addControlFlow(Handlers &handlers);
void addMemoryOps(Handlers &handlers);
void addMoeOps(Handlers &handlers);
void addRoutingOps(Handlers &handlers);
void addTensorOps(Handlers &handlers);
void addTransformerOps(Handlers &handlers);
void addLinalgOps(Handlers &handlers);

} // namespace moec::reference

#endif // MOEC_REFERENCE_INTERPRETER_H
